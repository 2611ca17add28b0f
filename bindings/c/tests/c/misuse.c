/* Every function, misused: each mistake is an error code, and the engine goes on. */
#include "check.h"
#include <sys/wait.h>

#define INVALID TIDINGS_STATUS_INVALID_ARGUMENT

static tidings_message message;
static tidings_admission admission;
static tidings_range range;
static uint64_t number;
static uint16_t port;
static int32_t flag;
static tidings_batch *batch;

/* Every function of an engine, with an engine and otherwise good arguments. */
#define EACH(X, e)                                                                                             \
    X(tidings_engine_drain(e, 0, &number, &fault))                                                             \
    X(tidings_listen(e, TIDINGS_TEXT("127.0.0.1:0"), &port, &fault))                                           \
    X(tidings_admit(e, 1, &admission, &fault))                                                                 \
    X(tidings_allow(e, 1, &fault))                                                                             \
    X(tidings_allow_users(e, 1, NULL, 0, &fault))                                                              \
    X(tidings_reply(e, 1, 0, NULL, 0, &fault))                                                                 \
    X(tidings_deny(e, 1, 0, NULL, 0, &fault))                                                                  \
    X(tidings_publish(e, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault))                                 \
    X(tidings_publish_owned(e, TIDINGS_TEXT("messaging:a"), &message, NULL, NULL, NULL, &fault))               \
    X(tidings_publish_stored(e, TIDINGS_TEXT("messaging:a"), &message, &number, &fault))                       \
    X(tidings_send(e, TIDINGS_TEXT("alice"), &message, NULL, &fault))                                          \
    X(tidings_send_stored(e, TIDINGS_TEXT("alice"), &message, &number, &fault))                                \
    X(tidings_send_many(e, NULL, 0, &message, &number, &batch, &fault))                                        \
    X(tidings_send_many_stored(e, NULL, 0, &message, &number, &fault))                                         \
    X(tidings_disconnect_user(e, TIDINGS_TEXT("alice"), &number, &fault))                                      \
    X(tidings_revoke_token(e, TIDINGS_TEXT("t1"), 0, &number, &fault))                                         \
    X(tidings_revoke_user(e, TIDINGS_TEXT("alice"), 0, 0, &number, &fault))                                    \
    X(tidings_disconnect_session(e, 1, &fault))                                                                \
    X(tidings_subscribe_session(e, 1, TIDINGS_TEXT("messaging:a"), &flag, &fault))                             \
    X(tidings_unsubscribe_session(e, 1, TIDINGS_TEXT("messaging:a"), &flag, &fault))                           \
    X(tidings_session_named(e, TIDINGS_TEXT("00000000000000000000000000000000"), &number, &fault))             \
    X(tidings_is_online(e, TIDINGS_TEXT("alice"), &flag, &fault))                                              \
    X(tidings_presence(e, NULL, 0, &batch, &fault))                                                            \
    X(tidings_channel_presence(e, TIDINGS_TEXT("messaging:a"), 1, &batch, &fault))                             \
    X(tidings_sessions(e, TIDINGS_TEXT("alice"), &batch, &fault))                                              \
    X(tidings_channel(e, TIDINGS_TEXT("messaging:a"), &number, &fault))                                        \
    X(tidings_history(e, TIDINGS_TEXT("messaging:a"), &range, &number, &fault))                                \
    X(tidings_inbox(e, TIDINGS_TEXT("alice"), &number, &fault))                                                \
    X(tidings_local_open(e, &number, &fault))                                                                  \
    X(tidings_local_send(e, 1, TIDINGS_TEXT("{}"), &fault))                                                    \
    X(tidings_local_close(e, 1, &fault))

/* Those that answer after a stop as well. */
#define AND_AFTER(X, e)                                                                                        \
    X(tidings_engine_poll(e, 0, &batch, &fault))                                                               \
    X(tidings_engine_fd(e, &flag, &fault))                                                                     \
    X(tidings_engine_on_ready(e, NULL, NULL, &fault))                                                          \
    X(tidings_engine_stats(e, &stats, &fault))                                                                 \
    X(tidings_has_namespace(e, TIDINGS_TEXT("messaging"), &flag, &fault))

static tidings_stats stats;

static void good(void) {
    message = message_of("E", "1");
    memset(&admission, 0, sizeof admission);
    admission.size = sizeof admission;
    admission.user = view("alice");
    memset(&range, 0, sizeof range);
    range.size = sizeof range;
    memset(&stats, 0, sizeof stats);
    stats.size = sizeof stats;
}

static void no_engine(void) {
    tidings_config *config = settings();
    tidings_engine *none = NULL;
    tidings_batch *nothing = NULL;
    size_t count = 7;
#define IS_INVALID(call) EXPECT(INVALID, call);
    EACH(IS_INVALID, NULL)
    AND_AFTER(IS_INVALID, NULL)
    EXPECT(INVALID, tidings_engine_state(NULL, &flag, &fault));
    EXPECT(INVALID, tidings_engine_stop(NULL, 0, &number, &fault));
    EXPECT(INVALID, tidings_engine_start(NULL, &none, &fault));
    EXPECT(INVALID, tidings_engine_start(config, NULL, &fault));
    EXPECT(INVALID, tidings_config_new(NULL, &fault));
    EXPECT(INVALID, tidings_config_set(NULL, TIDINGS_TEXT("a"), TIDINGS_TEXT("b"), &fault));
    EXPECT(INVALID, tidings_config_set(config, NULL, 5, TIDINGS_TEXT("b"), &fault));
    EXPECT(INVALID, tidings_config_set(config, TIDINGS_TEXT("listen"), NULL, 5, &fault));
    EXPECT(INVALID, tidings_config_set(config, TIDINGS_TEXT("\xff\xfe"), TIDINGS_TEXT("b"), &fault));
    EXPECT(INVALID, tidings_config_set_toml(config, NULL, 5, &fault));
    EXPECT(INVALID, tidings_config_set_toml(NULL, TIDINGS_TEXT(""), &fault));
    EXPECT(TIDINGS_STATUS_CONFIG, tidings_config_set(config, NULL, 0, NULL, 0, &fault));
    EXPECT(TIDINGS_STATUS_CONFIG, tidings_config_set_toml(config, TIDINGS_TEXT("= ="), &fault));
    EXPECT(TIDINGS_STATUS_CONFIG,
           tidings_config_set(config, TIDINGS_TEXT("limits.nothing"), TIDINGS_TEXT("1"), &fault));
    CHECK(strstr(fault.message, "nothing") != NULL);
    /* Nothing is freed, once and again. */
    OK(tidings_config_free(NULL));
    OK(tidings_engine_free(NULL));
    OK(tidings_batch_free(NULL));
    OK(tidings_engine_free(&none));
    OK(tidings_batch_free(&nothing));
    OK(tidings_config_free(&config));
    OK(tidings_config_free(&config));
    CHECK(config == NULL);
    OK(tidings_batch_count(NULL, &count, &fault));
    CHECK(count == 0);
    EXPECT(INVALID, tidings_batch_count(NULL, NULL, &fault));
    EXPECT(INVALID, tidings_batch_get(NULL, 0, NULL, &fault));
}

/* What an engine cannot be started with. */
static void settings_that_cannot_be(void) {
    static const char *const wrong[][2] = {
        {"limits.connections_max", "0"},      {"namespaces.messaging.class", "durable"},
        {"host.questions", "connect, fly"},   {"host.events", "everything"},
        {"host.events_max", "0"},             {"allowed_origin", "nonsense"},
        {"api.key", "short"},                 {"tls.key", "/nowhere"},
        {"tls.certificate", "/nowhere"},      {"http.trusted_proxies", "nobody"},
        {"http.proxy_protocol", "required"},  {"http.header_bytes_max", "1"},
        {"api.batch_max", "0"},
    };
    for (size_t at = 0; at < sizeof wrong / sizeof *wrong; at++) {
        tidings_config *config = settings();
        tidings_engine *engine = NULL;
        set(config, wrong[at][0], wrong[at][1]);
        EXPECT(TIDINGS_STATUS_CONFIG, tidings_engine_start(config, &engine, &fault));
        CHECK(engine == NULL && fault.message[0] != 0);
        OK(tidings_config_free(&config));
    }
}

static void no_place_for_an_answer(tidings_engine *engine) {
    EXPECT(INVALID, tidings_engine_state(engine, NULL, &fault));
    EXPECT(INVALID, tidings_engine_drain(engine, 0, NULL, &fault));
    EXPECT(INVALID, tidings_engine_poll(engine, 0, NULL, &fault));
    EXPECT(INVALID, tidings_engine_fd(engine, NULL, &fault));
    EXPECT(INVALID, tidings_engine_stats(engine, NULL, &fault));
    EXPECT(INVALID, tidings_admit(engine, 1, NULL, &fault));
    EXPECT(INVALID, tidings_allow_users(engine, 1, NULL, 3, &fault));
    EXPECT(INVALID, tidings_reply(engine, 1, 1, NULL, 3, &fault));
    EXPECT(INVALID, tidings_deny(engine, 1, 0, NULL, 3, &fault));
    EXPECT(INVALID, tidings_listen(engine, NULL, 3, NULL, &fault));
    EXPECT(INVALID, tidings_publish(engine, NULL, 3, &message, NULL, &fault));
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), NULL, NULL, &fault));
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:\xff"), &message, NULL, &fault));
    EXPECT(INVALID, tidings_publish(engine, "messaging:a", SIZE_MAX, &message, NULL, &fault));
    EXPECT(TIDINGS_STATUS_INPUT, tidings_publish(engine, NULL, 0, &message, NULL, &fault));
    EXPECT(INVALID, tidings_publish_stored(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    EXPECT(INVALID, tidings_publish_stored(engine, TIDINGS_TEXT("messaging:a"), NULL, &number, &fault));
    EXPECT(INVALID, tidings_send(engine, NULL, 3, &message, NULL, &fault));
    EXPECT(INVALID, tidings_send(engine, TIDINGS_TEXT("a"), NULL, NULL, &fault));
    EXPECT(INVALID, tidings_send_stored(engine, TIDINGS_TEXT("a"), &message, NULL, &fault));
    EXPECT(INVALID, tidings_send_many(engine, NULL, 3, &message, NULL, NULL, &fault));
    EXPECT(INVALID, tidings_send_many(engine, NULL, 0, NULL, NULL, NULL, &fault));
    EXPECT(INVALID, tidings_send_many_stored(engine, NULL, 0, &message, NULL, &fault));
    EXPECT(INVALID, tidings_disconnect_user(engine, NULL, 3, NULL, &fault));
    EXPECT(TIDINGS_STATUS_STALE, tidings_subscribe_session(engine, 1, NULL, 0, NULL, &fault));
    EXPECT(INVALID, tidings_subscribe_session(engine, 1, NULL, 3, NULL, &fault));
    EXPECT(INVALID, tidings_unsubscribe_session(engine, 1, NULL, 3, NULL, &fault));
    EXPECT(INVALID, tidings_revoke_token(engine, NULL, 0, 0, &number, &fault));
    EXPECT(INVALID, tidings_revoke_token(engine, TIDINGS_TEXT("t1"), 0, NULL, &fault));
    EXPECT(INVALID, tidings_revoke_user(engine, NULL, 3, 0, 0, &number, &fault));
    EXPECT(INVALID, tidings_revoke_user(engine, TIDINGS_TEXT("a"), 0, 0, NULL, &fault));
    EXPECT(INVALID, tidings_session_named(engine, TIDINGS_TEXT("a"), NULL, &fault));
    EXPECT(TIDINGS_STATUS_INPUT, tidings_session_named(engine, TIDINGS_TEXT("a"), &number, &fault));
    EXPECT(INVALID, tidings_is_online(engine, TIDINGS_TEXT("a"), NULL, &fault));
    EXPECT(INVALID, tidings_is_online(engine, NULL, 3, &flag, &fault));
    EXPECT(INVALID, tidings_presence(engine, NULL, 0, NULL, &fault));
    EXPECT(INVALID, tidings_presence(engine, NULL, 3, &batch, &fault));
    EXPECT(INVALID, tidings_channel_presence(engine, TIDINGS_TEXT("a"), 0, NULL, &fault));
    EXPECT(INVALID, tidings_sessions(engine, TIDINGS_TEXT("a"), NULL, &fault));
    EXPECT(INVALID, tidings_channel(engine, TIDINGS_TEXT("a"), NULL, &fault));
    EXPECT(INVALID, tidings_history(engine, TIDINGS_TEXT("a"), NULL, &number, &fault));
    EXPECT(INVALID, tidings_history(engine, TIDINGS_TEXT("a"), &range, NULL, &fault));
    EXPECT(INVALID, tidings_inbox(engine, TIDINGS_TEXT("a"), NULL, &fault));
    EXPECT(INVALID, tidings_has_namespace(engine, TIDINGS_TEXT("a"), NULL, &fault));
    EXPECT(INVALID, tidings_local_open(engine, NULL, &fault));
    EXPECT(INVALID, tidings_local_send(engine, 1, NULL, 3, &fault));
    EXPECT(TIDINGS_STATUS_STALE, tidings_local_send(engine, 1, NULL, 0, &fault));
    EXPECT(TIDINGS_STATUS_LISTEN, tidings_listen(engine, TIDINGS_TEXT("localhost:http"), NULL, &fault));
    EXPECT(TIDINGS_STATUS_LISTEN, tidings_listen(engine, TIDINGS_TEXT("203.0.113.1:1"), NULL, &fault));
    CHECK(strstr(fault.message, "203.0.113.1") != NULL);
}

/* A struct of another size, and numbers that are none. */
static void other_structs(tidings_engine *engine) {
    struct {
        tidings_message message;
        uint64_t more;
    } later;
    tidings_published published = {.size = 3};
    tidings_sent sent = {.size = 0};
    tidings_error small = {.size = sizeof small - 1};
    static const uint32_t sizes[] = {0, 1, sizeof message - 1, 5000, UINT32_MAX};

    for (size_t at = 0; at < sizeof sizes / sizeof *sizes; at++) {
        good();
        message.size = admission.size = range.size = stats.size = sizes[at];
        if (sizes[at] == sizeof message - 1) admission.size = range.size = stats.size = 1;
        EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
        EXPECT(INVALID, tidings_admit(engine, 1, &admission, &fault));
        EXPECT(INVALID, tidings_history(engine, TIDINGS_TEXT("messaging:a"), &range, &number, &fault));
        EXPECT(INVALID, tidings_engine_stats(engine, &stats, &fault));
    }
    good();
    /* A later version's struct is good as long as what this one does not know is not used. */
    memset(&later, 0, sizeof later);
    later.message = message;
    later.message.size = sizeof later;
    OK(tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &later.message, NULL, &fault));
    later.more = 1;
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &later.message, NULL, &fault));
    /* Nothing is published where the place for its place is none. */
    tidings_stats before = {.size = sizeof before}, after = {.size = sizeof after};
    OK(tidings_engine_stats(engine, &before, &fault));
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, &published, &fault));
    EXPECT(INVALID, tidings_send(engine, TIDINGS_TEXT("alice"), &message, &sent, &fault));
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &small));
    OK(tidings_engine_stats(engine, &after, &fault));
    CHECK(before.published == after.published);
    message.flags = 2;
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    good();
    message.codec = -1;
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    message.codec = TIDINGS_CODEC_NONE;
    EXPECT(INVALID, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    good();
    message.data.len = 0;
    EXPECT(TIDINGS_STATUS_INPUT, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    message.codec = TIDINGS_CODEC_NONE;
    OK(tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    range.begin = 4;
    EXPECT(INVALID, tidings_history(engine, TIDINGS_TEXT("messaging:a"), &range, &number, &fault));
    admission.user.len = 0;
    EXPECT(INVALID, tidings_admit(engine, 1, &admission, &fault));
    good();
    /* An error is not wanted. */
    CHECK(tidings_publish(engine, NULL, 3, NULL, NULL, NULL) == INVALID);
    /* Data above the limit. */
    static char large[40000];
    memset(large, '1', sizeof large);
    large[0] = large[sizeof large - 1] = '"';
    message.data.data = large;
    message.data.len = sizeof large;
    EXPECT(TIDINGS_STATUS_TOO_LARGE, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    CHECK(fault.code == TIDINGS_CODE_TOO_LARGE && fault.status == TIDINGS_STATUS_TOO_LARGE);
    good();
}

static void a_batch(tidings_engine *engine) {
    tidings_view users[] = {{"a", 1}};
    tidings_event event = {.size = sizeof event};
    OK(tidings_presence(engine, users, 1, &batch, &fault));
    EXPECT(INVALID, tidings_batch_get(batch, 0, NULL, &fault));
    event.size = sizeof event - 1;
    EXPECT(INVALID, tidings_batch_get(batch, 0, &event, &fault));
    event.size = sizeof event;
    OK(tidings_batch_get(batch, 0, &event, &fault));
    CHECK(event.size == sizeof event && same(event.user, "a"));
    EXPECT(TIDINGS_STATUS_NOT_FOUND, tidings_batch_get(batch, SIZE_MAX, &event, &fault));
    OK(tidings_batch_free(&batch));
    OK(tidings_batch_free(&batch));
    CHECK(batch == NULL);
}

/* In a fork nothing works, nothing hangs, and nothing is taken from the parent. */
static void a_fork(tidings_engine *engine) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(20);
#define IS_FORKED(call) EXPECT(TIDINGS_STATUS_FORKED, call);
        EACH(IS_FORKED, engine)
        AND_AFTER(IS_FORKED, engine)
        EXPECT(TIDINGS_STATUS_FORKED, tidings_engine_state(engine, &flag, &fault));
        EXPECT(TIDINGS_STATUS_FORKED, tidings_engine_stop(engine, 0, NULL, &fault));
        EXPECT(TIDINGS_STATUS_FORKED, tidings_engine_free(&engine));
        CHECK(engine == NULL);
        /* One of its own works. */
        end(start());
        _exit(0);
    }
    int how = -1;
    CHECK(waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) == 0);
    OK(tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
}

static void after_a_stop(tidings_engine *engine) {
    uint64_t left = 7;
    int32_t status = 0;
    OK(tidings_engine_stop(engine, UINT64_MAX, &left, &fault));
    CHECK(left == 0);
    OK(tidings_engine_stop(engine, 1000, NULL, &fault));
    OK(tidings_engine_state(engine, &flag, &fault));
    CHECK(flag == TIDINGS_STATE_STOPPED);
#define IS_STOPPED(call) EXPECT(TIDINGS_STATUS_STOPPED, call);
    EACH(IS_STOPPED, engine)
    /* What waits is given out, then that it is over. */
    while ((status = tidings_engine_poll(engine, -1, &batch, &fault)) == TIDINGS_STATUS_OK) tidings_batch_free(&batch);
    CHECK(status == TIDINGS_STATUS_STOPPED && batch == NULL);
    OK(tidings_engine_fd(engine, &flag, &fault));
    OK(tidings_engine_on_ready(engine, NULL, NULL, &fault));
    OK(tidings_engine_stats(engine, &stats, &fault));
    OK(tidings_has_namespace(engine, TIDINGS_TEXT("messaging"), &flag, &fault));
}

int main(void) {
    unused();
    good();
    CHECK(tidings_abi_version() >= TIDINGS_ABI_VERSION);
    no_engine();
    settings_that_cannot_be();
    tidings_engine *engine = start();
    OK(tidings_engine_state(engine, &flag, &fault));
    CHECK(flag == TIDINGS_STATE_RUNNING);
    no_place_for_an_answer(engine);
    other_structs(engine);
    a_batch(engine);
    a_fork(engine);
    after_a_stop(engine);
    OK(tidings_engine_free(&engine));
    OK(tidings_engine_free(&engine));
    return 0;
}
