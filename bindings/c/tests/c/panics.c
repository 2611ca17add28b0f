/* A panic in each function: an error code, an engine that answers nothing more, and a process that lives. */
#include "check.h"

static tidings_message message;
static tidings_admission admission;
static tidings_range range;
static tidings_stats stats;
static uint64_t number;
static uint16_t port;
static int32_t flag;
static tidings_batch *batch;

static void plant(const char *name) { CHECK(setenv("TIDINGS_PLANTED_PANIC", name, 1) == 0); }

static void poisoned(tidings_engine *engine, const char *name) {
    tidings_batch *none = NULL;
    CHECK(fault.status == TIDINGS_STATUS_PANIC && fault.message[0] != 0);
    plant("");
    OK(tidings_engine_state(engine, &flag, &fault));
    if (flag != TIDINGS_STATE_POISONED) {
        fprintf(stderr, "%s poisons nothing\n", name);
        exit(1);
    }
    EXPECT(TIDINGS_STATUS_POISONED, tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
    EXPECT(TIDINGS_STATUS_POISONED, tidings_engine_poll(engine, -1, &none, &fault));
    EXPECT(TIDINGS_STATUS_POISONED, tidings_engine_stats(engine, &stats, &fault));
    OK(tidings_engine_stop(engine, 0, NULL, &fault));
    OK(tidings_engine_free(&engine));
}

#define OF_ENGINE(function, ...)                                                                               \
    do {                                                                                                       \
        tidings_engine *engine = start();                                                                      \
        plant(#function);                                                                                      \
        EXPECT(TIDINGS_STATUS_PANIC, function(engine, __VA_ARGS__));                                           \
        poisoned(engine, #function);                                                                           \
        functions++;                                                                                           \
    } while (0)

/* Nothing is poisoned: there is no engine. */
#define OF_NONE(function, ...)                                                                                 \
    do {                                                                                                       \
        plant(#function);                                                                                      \
        EXPECT(TIDINGS_STATUS_PANIC, function(__VA_ARGS__));                                                   \
        plant("");                                                                                             \
        functions++;                                                                                           \
    } while (0)

int main(int argc, char **argv) {
    unused();
    int functions = 0;
    tidings_config *config = settings();
    tidings_engine *one = start(), *none = NULL;
    tidings_event event = {.size = sizeof event};
    tidings_view users[] = {{"alice", 5}};
    size_t count = 0;
    message = message_of("E", "1");
    memset(&admission, 0, sizeof admission);
    admission.size = sizeof admission;
    admission.user = users[0];
    range.size = sizeof range;
    stats.size = sizeof stats;
    OK(tidings_presence(one, users, 1, &batch, &fault));
    tidings_batch *read = batch;

    OF_NONE(tidings_config_new, &config, &fault);
    OF_NONE(tidings_config_set, config, TIDINGS_TEXT("a"), TIDINGS_TEXT("b"), &fault);
    OF_NONE(tidings_config_set_toml, config, TIDINGS_TEXT(""), &fault);
    OF_NONE(tidings_config_free, &config);
    OF_NONE(tidings_engine_start, config, &none, &fault);
    OF_NONE(tidings_batch_count, read, &count, &fault);
    OF_NONE(tidings_batch_get, read, 0, &event, &fault);
    OF_NONE(tidings_batch_free, &read);
    OF_NONE(tidings_engine_free, &one);
    OK(tidings_batch_free(&read));
    OK(tidings_config_free(&config));
    end(one);

    OF_ENGINE(tidings_engine_state, &flag, &fault);
    OF_ENGINE(tidings_engine_drain, 0, &number, &fault);
    OF_ENGINE(tidings_engine_stop, 0, &number, &fault);
    OF_ENGINE(tidings_engine_poll, 0, &batch, &fault);
    OF_ENGINE(tidings_engine_fd, &flag, &fault);
    OF_ENGINE(tidings_engine_on_ready, NULL, NULL, &fault);
    OF_ENGINE(tidings_engine_stats, &stats, &fault);
    OF_ENGINE(tidings_listen, TIDINGS_TEXT("127.0.0.1:0"), &port, &fault);
    OF_ENGINE(tidings_admit, 1, &admission, &fault);
    OF_ENGINE(tidings_allow, 1, &fault);
    OF_ENGINE(tidings_allow_users, 1, users, 1, &fault);
    OF_ENGINE(tidings_reply, 1, 0, NULL, 0, &fault);
    OF_ENGINE(tidings_deny, 1, 0, NULL, 0, &fault);
    OF_ENGINE(tidings_publish, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault);
    OF_ENGINE(tidings_publish_owned, TIDINGS_TEXT("messaging:a"), &message, NULL, NULL, NULL, &fault);
    OF_ENGINE(tidings_publish_stored, TIDINGS_TEXT("messaging:a"), &message, &number, &fault);
    OF_ENGINE(tidings_has_namespace, TIDINGS_TEXT("a"), &flag, &fault);
    OF_ENGINE(tidings_send, TIDINGS_TEXT("alice"), &message, NULL, &fault);
    OF_ENGINE(tidings_send_stored, TIDINGS_TEXT("alice"), &message, &number, &fault);
    OF_ENGINE(tidings_send_many, users, 1, &message, &number, NULL, &fault);
    OF_ENGINE(tidings_send_many_stored, users, 1, &message, &number, &fault);
    OF_ENGINE(tidings_disconnect_user, TIDINGS_TEXT("alice"), &number, &fault);
    OF_ENGINE(tidings_disconnect_session, 1, &fault);
    OF_ENGINE(tidings_subscribe_session, 1, TIDINGS_TEXT("messaging:a"), &flag, &fault);
    OF_ENGINE(tidings_unsubscribe_session, 1, TIDINGS_TEXT("messaging:a"), &flag, &fault);
    OF_ENGINE(tidings_session_named, TIDINGS_TEXT("a"), &number, &fault);
    OF_ENGINE(tidings_revoke_token, TIDINGS_TEXT("a"), 0, &number, &fault);
    OF_ENGINE(tidings_revoke_user, TIDINGS_TEXT("a"), 0, 0, &number, &fault);
    OF_ENGINE(tidings_is_online, TIDINGS_TEXT("alice"), &flag, &fault);
    OF_ENGINE(tidings_presence, users, 1, &batch, &fault);
    OF_ENGINE(tidings_channel_presence, TIDINGS_TEXT("messaging:a"), 1, &batch, &fault);
    OF_ENGINE(tidings_sessions, TIDINGS_TEXT("alice"), &batch, &fault);
    OF_ENGINE(tidings_channel, TIDINGS_TEXT("messaging:a"), &number, &fault);
    OF_ENGINE(tidings_history, TIDINGS_TEXT("messaging:a"), &range, &number, &fault);
    OF_ENGINE(tidings_inbox, TIDINGS_TEXT("alice"), &number, &fault);
    OF_ENGINE(tidings_local_open, &number, &fault);
    OF_ENGINE(tidings_local_send, 1, TIDINGS_TEXT("{}"), &fault);
    OF_ENGINE(tidings_local_close, 1, &fault);

    /* All but tidings_abi_version, in which nothing can fail. */
    CHECK(argc == 2 && functions == atoi(argv[1]) - 1);
    return 0;
}
