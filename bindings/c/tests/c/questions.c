/* Every question, answered in every way, and what a host does and sees besides. */
#include "check.h"

static tidings_engine *engine;
static reader events;

static tidings_event asked(int32_t kind) { return next(&events, kind); }

static void subscribe(uint64_t local, const char *channel) {
    char text[256];
    snprintf(text, sizeof text, "{\"id\":2,\"subscribe\":{\"channel\":\"%s\"}}", channel);
    say(engine, local, text);
}

/* A user who may do nothing of its own right. */
static uint64_t stranger(const char *name) {
    uint64_t local = 0;
    char text[256];
    OK(tidings_local_open(engine, &local, &fault));
    snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"token\":\"%s\",\"device\":\"phone\"}}", name);
    say(engine, local, text);
    tidings_event question = asked(TIDINGS_EVENT_KIND_QUESTION_CONNECT);
    CHECK(same(question.data, name) && same(question.target, "phone"));
    tidings_admission admission;
    memset(&admission, 0, sizeof admission);
    admission.size = sizeof admission;
    admission.user = question.data;
    OK(tidings_admit(engine, question.id, &admission, &fault));
    EXPECT(TIDINGS_STATUS_STALE, tidings_admit(engine, question.id, &admission, &fault));
    frame(&events, local, "\"connected\"");
    return local;
}

static void a_token_that_is_refused(void) {
    uint64_t local = 0;
    OK(tidings_local_open(engine, &local, &fault));
    say(engine, local, "{\"id\":1,\"connect\":{\"token\":\"nobody\"}}");
    tidings_event question = asked(TIDINGS_EVENT_KIND_QUESTION_CONNECT);
    /* A yes that does not fit leaves the question where it is. */
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT, tidings_allow(engine, question.id, &fault));
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT, tidings_reply(engine, question.id, 0, NULL, 0, &fault));
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT, tidings_deny(engine, question.id, 3500, NULL, 0, &fault));
    OK(tidings_deny(engine, question.id, 0, NULL, 0, &fault));
    EXPECT(TIDINGS_STATUS_STALE, tidings_deny(engine, question.id, 0, NULL, 0, &fault));
    frame(&events, local, "2001");
    CHECK(next(&events, TIDINGS_EVENT_KIND_LOCAL_CLOSED).id == local);
    EXPECT(TIDINGS_STATUS_STALE, tidings_local_close(engine, local, &fault));
}

static void may_it(uint64_t alice) {
    subscribe(alice, "messaging:club");
    tidings_event question = asked(TIDINGS_EVENT_KIND_QUESTION_SUBSCRIBE);
    CHECK(same(question.user, "alice") && same(question.target, "messaging:club"));
    OK(tidings_deny(engine, question.id, TIDINGS_CODE_FORBIDDEN, TIDINGS_TEXT("not in the club"), &fault));
    frame(&events, alice, "not in the club");
    subscribe(alice, "messaging:club");
    OK(tidings_allow(engine, asked(TIDINGS_EVENT_KIND_QUESTION_SUBSCRIBE).id, &fault));
    frame(&events, alice, "\"subscribed\"");

    say(engine, alice, "{\"id\":3,\"publish\":{\"channel\":\"messaging:club\",\"event\":\"E\",\"data\":{\"a\":[1]}}}");
    question = asked(TIDINGS_EVENT_KIND_QUESTION_PUBLISH);
    CHECK(same(question.event, "E") && same(question.data, "{\"a\":[1]}"));
    CHECK(question.codec == TIDINGS_CODEC_JSON);
    OK(tidings_allow(engine, question.id, &fault));
    frame(&events, alice, "\"entry\"");

    say(engine, alice, "{\"id\":4,\"send\":{\"user\":\"bob\",\"namespace\":\"messaging\",\"event\":\"E\",\"data\":7}}");
    question = asked(TIDINGS_EVENT_KIND_QUESTION_SEND);
    CHECK(same(question.target, "bob") && same(question.data, "7"));
    OK(tidings_allow(engine, question.id, &fault));
    frame(&events, alice, "\"sent\"");

    say(engine, alice, "{\"id\":5,\"watch\":{\"users\":[\"bob\",\"carol\"]}}");
    question = asked(TIDINGS_EVENT_KIND_QUESTION_WATCH);
    CHECK(question.count == 2 && same(question.data, "bob\ncarol"));
    tidings_view some[] = {{"bob", 3}};
    OK(tidings_allow_users(engine, question.id, some, 1, &fault));
    frame(&events, alice, "\"bob\"");
}

static void calls(uint64_t alice) {
    say(engine, alice, "{\"id\":6,\"call\":{\"method\":\"add\",\"data\":[1,2]}}");
    tidings_event question = asked(TIDINGS_EVENT_KIND_QUESTION_CALL);
    CHECK(same(question.target, "add") && same(question.data, "[1,2]") && same(question.user, "alice"));
    EXPECT(TIDINGS_STATUS_INPUT, tidings_reply(engine, question.id, TIDINGS_CODEC_JSON, TIDINGS_TEXT("{"), &fault));
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT, tidings_reply(engine, question.id, 9, TIDINGS_TEXT("3"), &fault));
    OK(tidings_reply(engine, question.id, TIDINGS_CODEC_JSON, TIDINGS_TEXT("3"), &fault));
    frame(&events, alice, "\"result\":3");
    say(engine, alice, "{\"id\":7,\"call\":{\"method\":\"none\"}}");
    OK(tidings_deny(engine, asked(TIDINGS_EVENT_KIND_QUESTION_CALL).id, 0, NULL, 0, &fault));
    frame(&events, alice, "2004");
    /* MessagePack goes back as well. */
    say(engine, alice, "{\"id\":8,\"call\":{\"method\":\"pack\"}}");
    OK(tidings_reply(engine, asked(TIDINGS_EVENT_KIND_QUESTION_CALL).id, TIDINGS_CODEC_MSGPACK, "\x93\x01\x02\x03", 4, &fault));
    frame(&events, alice, "[1,2,3]");
}

/* Nobody answers: that is a no, and an answer that comes later is told to be late. */
static void silence(uint64_t alice) {
    say(engine, alice, "{\"id\":9,\"call\":{\"method\":\"slow\"}}");
    tidings_event question = asked(TIDINGS_EVENT_KIND_QUESTION_CALL);
    frame(&events, alice, "2009");
    EXPECT(TIDINGS_STATUS_STALE, tidings_reply(engine, question.id, 0, NULL, 0, &fault));
}

static void sessions(void) {
    tidings_batch *batch = NULL;
    tidings_event event = {.size = sizeof event};
    size_t count = 0;
    uint64_t session = 0, number = 0;
    int32_t changed = -1;
    char name[33] = {0};

    OK(tidings_sessions(engine, TIDINGS_TEXT("alice"), &batch, &fault));
    OK(tidings_batch_count(batch, &count, &fault));
    CHECK(count == 2);
    OK(tidings_batch_get(batch, 0, &event, &fault));
    CHECK(event.kind == TIDINGS_EVENT_KIND_SESSION && same(event.user, "alice") && same(event.target, "phone"));
    CHECK(event.detail == 1 && event.count == 1 && event.data.len == 32);
    session = event.session;
    memcpy(name, event.data.data, 32);
    OK(tidings_batch_get(batch, 1, &event, &fault));
    CHECK(event.kind == TIDINGS_EVENT_KIND_SESSION_CHANNEL && same(event.target, "messaging:club"));
    OK(tidings_batch_free(&batch));
    OK(tidings_session_named(engine, name, 32, &number, &fault));
    CHECK(number == session);
    name[0] = name[0] == '0' ? '1' : '0';
    EXPECT(TIDINGS_STATUS_NOT_FOUND, tidings_session_named(engine, name, 32, &number, &fault));

    OK(tidings_subscribe_session(engine, session, TIDINGS_TEXT("messaging:other"), &changed, &fault));
    CHECK(changed == 1);
    OK(tidings_subscribe_session(engine, session, TIDINGS_TEXT("messaging:other"), &changed, &fault));
    CHECK(changed == 0);
    OK(tidings_unsubscribe_session(engine, session, TIDINGS_TEXT("messaging:other"), &changed, &fault));
    CHECK(changed == 1);
    EXPECT(TIDINGS_STATUS_INPUT, tidings_subscribe_session(engine, session, TIDINGS_TEXT("nowhere"), NULL, &fault));
    CHECK(fault.code == TIDINGS_CODE_BAD_REQUEST);
}

static void who_is_there(uint64_t alice) {
    int32_t online = -1;
    tidings_batch *batch = NULL;
    tidings_event event = {.size = sizeof event};
    size_t count = 0;
    tidings_view users[] = {{"alice", 5}, {"zoe", 3}};

    OK(tidings_is_online(engine, TIDINGS_TEXT("alice"), &online, &fault));
    CHECK(online == 1);
    OK(tidings_is_online(engine, TIDINGS_TEXT("zoe"), &online, &fault));
    CHECK(online == 0);
    say(engine, alice, "{\"id\":10,\"presence\":{\"status\":\"busy\",\"text\":\"in a game\"}}");
    do event = next(&events, TIDINGS_EVENT_KIND_PRESENCE);
    while (!(same(event.user, "alice") && event.detail == TIDINGS_PRESENCE_STATUS_BUSY && event.data.len));
    CHECK(same(event.data, "in a game") && event.reason == TIDINGS_PRESENCE_REASON_SET && event.at_ms > 0);
    OK(tidings_presence(engine, users, 2, &batch, &fault));
    OK(tidings_batch_count(batch, &count, &fault));
    CHECK(count == 2);
    OK(tidings_batch_get(batch, 0, &event, &fault));
    CHECK(event.kind == TIDINGS_EVENT_KIND_PRESENCE && event.detail == TIDINGS_PRESENCE_STATUS_BUSY);
    OK(tidings_batch_get(batch, 1, &event, &fault));
    CHECK(event.detail == TIDINGS_PRESENCE_STATUS_OFFLINE && event.reason == TIDINGS_PRESENCE_REASON_NEVER);
    EXPECT(TIDINGS_STATUS_NOT_FOUND, tidings_batch_get(batch, 2, &event, &fault));
    OK(tidings_batch_free(&batch));

    OK(tidings_channel_presence(engine, TIDINGS_TEXT("messaging:club"), 1, &batch, &fault));
    OK(tidings_batch_count(batch, &count, &fault));
    CHECK(count == 2);
    OK(tidings_batch_get(batch, 0, &event, &fault));
    CHECK(event.kind == TIDINGS_EVENT_KIND_MEMBER && same(event.user, "alice"));
    OK(tidings_batch_get(batch, 1, &event, &fault));
    CHECK(event.kind == TIDINGS_EVENT_KIND_DONE && event.count == 1 && event.detail == 1);
    OK(tidings_batch_free(&batch));
}

static tidings_event done(uint64_t request) {
    tidings_event event = next(&events, TIDINGS_EVENT_KIND_DONE);
    CHECK(event.id == request);
    return event;
}

static void the_past(void) {
    tidings_message message = message_of("E", "{\"n\":1}");
    tidings_published published = {.size = sizeof published};
    tidings_range range = {.size = sizeof range, .begin = TIDINGS_BEGIN_BEHIND, .entries_max = 2};
    uint64_t request = 0, first = 0;
    int32_t declared = -1;

    OK(tidings_has_namespace(engine, TIDINGS_TEXT("messaging"), &declared, &fault));
    CHECK(declared == 1);
    OK(tidings_has_namespace(engine, TIDINGS_TEXT("elsewhere"), &declared, &fault));
    CHECK(declared == 0);
    for (int at = 0; at < 5; at++) {
        OK(tidings_publish(engine, TIDINGS_TEXT("messaging:past"), &message, &published, &fault));
        CHECK(published.level == TIDINGS_LEVEL_ACCEPTED && published.position.offset == (uint64_t)at + 1);
    }
    OK(tidings_channel(engine, TIDINGS_TEXT("messaging:past"), &request, &fault));
    tidings_event event = done(request);
    CHECK(event.position.offset == 5 && event.position.epoch == published.position.epoch && event.first == 1);
    CHECK(event.detail == TIDINGS_CLASS_RELIABLE && event.count == 0);

    range.position.offset = 1;
    OK(tidings_history(engine, TIDINGS_TEXT("messaging:past"), &range, &first, &fault));
    for (uint64_t offset = 2; offset <= 3; offset++) {
        event = next(&events, TIDINGS_EVENT_KIND_ENTRY);
        CHECK(event.id == first && event.position.offset == offset && same(event.event, "E"));
        CHECK(same(event.data, "{\"n\":1}") && event.user.len == 0 && event.at_ms > 0);
    }
    event = done(first);
    CHECK(event.count == 2 && event.next == 3 && event.position.offset == 5 && event.from == 2);
    range.begin = TIDINGS_BEGIN_SINCE;
    range.position.epoch = published.position.epoch + 1;
    OK(tidings_history(engine, TIDINGS_TEXT("messaging:past"), &range, &request, &fault));
    event = next(&events, TIDINGS_EVENT_KIND_MISSING);
    CHECK(event.id == request && event.reason == TIDINGS_GAP_REASON_EPOCH);
    done(request);
    OK(tidings_history(engine, TIDINGS_TEXT("nowhere:past"), &range, &request, &fault));
    event = done(request);
    CHECK(event.status == TIDINGS_STATUS_INPUT && event.code == TIDINGS_CODE_BAD_REQUEST && event.data.len > 0);
    OK(tidings_inbox(engine, TIDINGS_TEXT("alice"), &request, &fault));
    event = done(request);
    CHECK(event.status == TIDINGS_STATUS_OK && event.count == 0);
    /* Nothing is on disk here. */
    OK(tidings_publish_stored(engine, TIDINGS_TEXT("messaging:past"), &message, &request, &fault));
    CHECK(done(request).status == TIDINGS_STATUS_INPUT);
}

static void sending(uint64_t alice) {
    tidings_message message = message_of("notification:new", "{\"title\":\"Hi\"}");
    tidings_sent sent = {.size = sizeof sent};
    tidings_view users[] = {{"alice", 5}, {"zoe", 3}};
    tidings_batch *full = (tidings_batch *)&sent;
    uint64_t count = 0, request = 0;

    OK(tidings_send(engine, TIDINGS_TEXT("alice"), &message, &sent, &fault));
    CHECK(sent.sessions == 1 && sent.level == TIDINGS_LEVEL_ACCEPTED);
    frame(&events, alice, "\"Hi\"");
    message.rules = view("notifications");
    OK(tidings_send_many(engine, users, 2, &message, &count, &full, &fault));
    CHECK(count == 2 && full == NULL);
    frame(&events, alice, "\"Hi\"");
    message.rules = view("nowhere");
    EXPECT(TIDINGS_STATUS_INPUT, tidings_send(engine, TIDINGS_TEXT("alice"), &message, NULL, &fault));
    OK(tidings_send_stored(engine, TIDINGS_TEXT("alice"), &message, &request, &fault));
    CHECK(done(request).status == TIDINGS_STATUS_INPUT);
    OK(tidings_send_many_stored(engine, users, 2, &message, &request, &fault));
    CHECK(done(request).status == TIDINGS_STATUS_INPUT);
}

static void leaving(uint64_t alice) {
    uint64_t count = 0, bob = stranger("bob"), session = 0;
    tidings_batch *batch = NULL;
    tidings_event event = {.size = sizeof event};
    tidings_stats stats = {.size = sizeof stats};

    OK(tidings_sessions(engine, TIDINGS_TEXT("bob"), &batch, &fault));
    OK(tidings_batch_get(batch, 0, &event, &fault));
    session = event.session;
    OK(tidings_batch_free(&batch));
    OK(tidings_disconnect_session(engine, session, &fault));
    event = next(&events, TIDINGS_EVENT_KIND_LOCAL_CLOSED);
    CHECK(event.id == bob);
    int32_t status = tidings_disconnect_session(engine, session, &fault);
    CHECK(status == TIDINGS_STATUS_NOT_FOUND || status == TIDINGS_STATUS_STALE);
    EXPECT(TIDINGS_STATUS_STALE, tidings_disconnect_session(engine, session + (1ULL << 32), &fault));
    EXPECT(TIDINGS_STATUS_STALE, tidings_disconnect_session(engine, 0, &fault));
    OK(tidings_disconnect_user(engine, TIDINGS_TEXT("alice"), &count, &fault));
    CHECK(count == 1);
    CHECK(next(&events, TIDINGS_EVENT_KIND_LOCAL_CLOSED).id == alice);
    OK(tidings_engine_stats(engine, &stats, &fault));
    CHECK(stats.admitted == 2 && stats.denied == 1 && stats.published > 5 && stats.storing == 0);
}

/* A session by a token with a name, which is revoked: it ends, and nobody else is let in by it. */
static void a_token_that_is_revoked(void) {
    tidings_admission admission;
    memset(&admission, 0, sizeof admission);
    admission.size = sizeof admission;
    admission.user = view("dave");
    admission.token = view("t1");
    admission.issued_s = 1000;
    uint64_t request = 0, local = 0;
    for (int by_user = 0; by_user < 2; by_user++) {
        OK(tidings_local_open(engine, &local, &fault));
        say(engine, local, "{\"id\":1,\"connect\":{\"token\":\"dave\"}}");
        OK(tidings_admit(engine, asked(TIDINGS_EVENT_KIND_QUESTION_CONNECT).id, &admission, &fault));
        frame(&events, local, "\"connected\"");
        if (by_user) OK(tidings_revoke_user(engine, TIDINGS_TEXT("dave"), 0, 0, &request, &fault));
        else OK(tidings_revoke_token(engine, TIDINGS_TEXT("t1"), 0, &request, &fault));
        /* What the client is told and that the request is done come in no order. */
        for (int is_told = 0, is_done = 0; !is_told || !is_done;) {
            tidings_event event = next(&events, 0);
            if (event.kind == TIDINGS_EVENT_KIND_LOCAL_FRAME) is_told |= event.id == local && holds(event.data, "3506");
            if (event.kind != TIDINGS_EVENT_KIND_DONE) continue;
            CHECK(event.id == request && event.count == 1);
            is_done = 1;
        }
        OK(tidings_local_open(engine, &local, &fault));
        say(engine, local, "{\"id\":1,\"connect\":{\"token\":\"dave\"}}");
        OK(tidings_admit(engine, asked(TIDINGS_EVENT_KIND_QUESTION_CONNECT).id, &admission, &fault));
        frame(&events, local, "3506");
        /* The next round's token has no name. */
        admission.token = view("");
    }
    /* A later one is good. */
    admission.issued_s = 4000000000;
    OK(tidings_local_open(engine, &local, &fault));
    say(engine, local, "{\"id\":1,\"connect\":{\"token\":\"dave\"}}");
    OK(tidings_admit(engine, asked(TIDINGS_EVENT_KIND_QUESTION_CONNECT).id, &admission, &fault));
    frame(&events, local, "\"connected\"");
}

int main(void) {
    unused();
    tidings_config *config = settings();
    OK(tidings_config_set_toml(config, TIDINGS_TEXT("[times]\nquestion_timeout_ms = 1500\n[namespaces.messaging]\n"
                                                    "presence = \"members\"\n[presence]\ntick_ms = 10\n"),
                               &fault));
    engine = start_with(config);
    events = read_from(engine);
    a_token_that_is_refused();
    uint64_t alice = stranger("alice");
    may_it(alice);
    calls(alice);
    silence(alice);
    sessions();
    who_is_there(alice);
    the_past();
    sending(alice);
    leaving(alice);
    a_token_that_is_revoked();
    tidings_batch_free(&events.batch);
    end(engine);
    return 0;
}
