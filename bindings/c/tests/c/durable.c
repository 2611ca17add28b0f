/* What is kept on disk: stored answers, inboxes of who is away, and another life of the same directory. */
#include "check.h"

static tidings_engine *open_at(const char *folder) {
    tidings_config *config = settings();
    set(config, "store.path", folder);
    set(config, "namespaces.messaging.class", "durable");
    set(config, "store.inbox.entries_max", "3");
    set(config, "store.inbox.overflow", "refuse");
    return start_with(config);
}

static tidings_event done(reader *events, uint64_t request) {
    tidings_event event = next(events, TIDINGS_EVENT_KIND_DONE);
    CHECK(event.id == request);
    return event;
}

static uint64_t first_life(const char *folder) {
    tidings_engine *engine = open_at(folder);
    reader events = read_from(engine);
    tidings_message message = message_of("E", "{\"n\":1}");
    tidings_view users[] = {{"alice", 5}, {"bob", 3}};
    uint64_t request = 0, epoch = 0, sent = 0;
    tidings_batch *full = NULL;
    tidings_event event = {.size = sizeof event};
    tidings_stats stats = {.size = sizeof stats};

    for (uint64_t offset = 1; offset <= 3; offset++) {
        OK(tidings_publish_stored(engine, TIDINGS_TEXT("messaging:a"), &message, &request, &fault));
        event = done(&events, request);
        CHECK(event.status == TIDINGS_STATUS_OK && event.detail == TIDINGS_LEVEL_STORED);
        CHECK(event.position.offset == offset);
        epoch = event.position.epoch;
    }
    /* The same again is the same, and not placed twice. */
    message.idempotency_key = view("order-7");
    OK(tidings_publish_stored(engine, TIDINGS_TEXT("messaging:a"), &message, &request, &fault));
    CHECK(done(&events, request).position.offset == 4);
    OK(tidings_publish_stored(engine, TIDINGS_TEXT("messaging:a"), &message, &request, &fault));
    CHECK(done(&events, request).position.offset == 4);
    EXPECT(TIDINGS_STATUS_INPUT, tidings_send_many(engine, users, 2, &message, NULL, NULL, &fault));

    /* Nobody is there: it waits, until an inbox is full. */
    message = message_of("notification:new", "\"hi\"");
    OK(tidings_send_stored(engine, TIDINGS_TEXT("bob"), &message, &request, &fault));
    event = done(&events, request);
    CHECK(event.status == TIDINGS_STATUS_OK && event.count == 0 && event.detail == TIDINGS_LEVEL_STORED);
    for (int at = 0; at < 2; at++) {
        OK(tidings_send_many_stored(engine, users, 2, &message, &request, &fault));
        event = done(&events, request);
        CHECK(event.status == TIDINGS_STATUS_OK && event.count == 2);
    }
    OK(tidings_send_many(engine, users, 2, &message, &sent, &full, &fault));
    CHECK(sent == 1 && full != NULL);
    OK(tidings_batch_get(full, 0, &event, &fault));
    CHECK(event.kind == TIDINGS_EVENT_KIND_INBOX_FULL && event.count == 1);
    OK(tidings_batch_free(&full));
    OK(tidings_send_many_stored(engine, users, 2, &message, &request, &fault));
    event = next(&events, TIDINGS_EVENT_KIND_INBOX_FULL);
    CHECK(event.id == request && event.count == 0);
    event = next(&events, TIDINGS_EVENT_KIND_INBOX_FULL);
    CHECK(event.id == request && event.count == 1);
    CHECK(done(&events, request).count == 0);
    EXPECT(TIDINGS_STATUS_LIMIT, tidings_send(engine, TIDINGS_TEXT("bob"), &message, NULL, &fault));
    OK(tidings_inbox(engine, TIDINGS_TEXT("bob"), &request, &fault));
    event = done(&events, request);
    CHECK(event.count == 3 && event.first == 1 && event.last > 0 && event.at_ms > 0);
    OK(tidings_engine_stats(engine, &stats, &fault));
    CHECK(stats.storing == 1 && stats.stored >= 4 && stats.duplicates == 1);
    tidings_batch_free(&events.batch);
    end(engine);
    return epoch;
}

static void second_life(const char *folder, uint64_t epoch) {
    tidings_engine *engine = open_at(folder);
    reader events = read_from(engine);
    tidings_range range = {.size = sizeof range, .begin = TIDINGS_BEGIN_NEWEST, .entries_max = 2};
    uint64_t request = 0;
    tidings_event event;

    OK(tidings_history(engine, TIDINGS_TEXT("messaging:a"), &range, &request, &fault));
    for (uint64_t offset = 3; offset <= 4; offset++) {
        event = next(&events, TIDINGS_EVENT_KIND_ENTRY);
        CHECK(event.position.offset == offset && event.position.epoch == epoch && same(event.data, "{\"n\":1}"));
    }
    done(&events, request);
    uint64_t bob = 0;
    OK(tidings_local_open(engine, &bob, &fault));
    say(engine, bob, "{\"id\":1,\"connect\":{\"token\":\"bob\",\"device\":\"phone\"}}");
    for (int at = 0; at < 3; at++) frame(&events, bob, "\"hi\"");
    OK(tidings_inbox(engine, TIDINGS_TEXT("bob"), &request, &fault));
    event = next(&events, TIDINGS_EVENT_KIND_DEVICE);
    CHECK(event.id == request && same(event.target, "phone") && event.at_ms > 0);
    done(&events, request);
    /* A drain tells when all are gone, and the engine is stopped after it. */
    OK(tidings_engine_drain(engine, 2000, &request, &fault));
    CHECK(done(&events, request).count == 0);
    EXPECT(TIDINGS_STATUS_STOPPED, tidings_local_open(engine, &bob, &fault));
    tidings_batch_free(&events.batch);
    end(engine);
}

int main(int argc, char **argv) {
    unused();
    CHECK(argc == 2);
    second_life(argv[1], first_life(argv[1]));
    return 0;
}
