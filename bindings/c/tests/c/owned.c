/* Buffers that the engine adopts: each is released exactly once, whatever becomes of it. */
#include "check.h"
#include <stdatomic.h>

#define BUFFERS 2000

static atomic_int released[BUFFERS];
static tidings_engine *running;

typedef struct buffer {
    int number;
    char *bytes;
} buffer;

static void release(void *context) {
    buffer *gone = context;
    /* It may call nothing. */
    CHECK(tidings_engine_stop(running, 0, NULL, NULL) == TIDINGS_STATUS_REENTRANT);
    atomic_fetch_add(&released[gone->number], 1);
    free(gone->bytes);
    free(gone);
}

static buffer *make(int number) {
    buffer *made = malloc(sizeof *made);
    CHECK(made != NULL);
    made->number = number;
    made->bytes = malloc(64);
    CHECK(made->bytes != NULL);
    snprintf(made->bytes, 64, "{\"buffer\":%d}", number);
    return made;
}

static int32_t publish(tidings_engine *engine, const char *channel, buffer *one) {
    tidings_message message = message_of("E", one->bytes);
    return tidings_publish_owned(engine, channel, strlen(channel), &message, release, one, NULL, &fault);
}

static int count(int from, int to) {
    int sum = 0;
    for (int at = from; at < to; at++) {
        int times = atomic_load(&released[at]);
        CHECK(times <= 1);
        sum += times;
    }
    return sum;
}

int main(void) {
    unused();
    tidings_config *config = settings();
    set(config, "namespaces.messaging.history_entries_max", "100");
    tidings_engine *engine = start_with(config);
    reader events = read_from(engine);
    running = engine;
    uint64_t alice = user(&events, "alice");
    say(engine, alice, "{\"id\":2,\"subscribe\":{\"channel\":\"messaging:a\"}}");
    frame(&events, alice, "\"subscribed\"");

    /* Whatever is wrong, it is released at once. */
    tidings_message message = message_of("E", "1");
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT, publish(NULL, "messaging:a", make(0)));
    EXPECT(TIDINGS_STATUS_INPUT, publish(engine, "nowhere:a", make(1)));
    EXPECT(TIDINGS_STATUS_INPUT, publish(engine, "no channel", make(2)));
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT,
           tidings_publish_owned(engine, TIDINGS_TEXT("messaging:a"), NULL, release, make(3), NULL, &fault));
    message.size = 1;
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT,
           tidings_publish_owned(engine, TIDINGS_TEXT("messaging:a"), &message, release, make(4), NULL, &fault));
    message = message_of("E", "{");
    EXPECT(TIDINGS_STATUS_INPUT,
           tidings_publish_owned(engine, TIDINGS_TEXT("messaging:a"), &message, release, make(5), NULL, &fault));
    message.codec = 77;
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT,
           tidings_publish_owned(engine, TIDINGS_TEXT("messaging:a"), &message, release, make(6), NULL, &fault));
    tidings_error small = {.size = 4};
    message = message_of("E", "1");
    EXPECT(TIDINGS_STATUS_INVALID_ARGUMENT,
           tidings_publish_owned(engine, TIDINGS_TEXT("messaging:a"), &message, release, make(7), NULL, &small));
    CHECK(count(0, 8) == 8);

    /* What is kept is released when the history lets it go. */
    for (int at = 10; at < BUFFERS - 10; at++) OK(publish(engine, "messaging:a", make(at)));
    for (int at = 10; at < BUFFERS - 10; at++) {
        char text[64];
        snprintf(text, sizeof text, "{\"buffer\":%d}", at);
        frame(&events, alice, text);
    }
    int kept = BUFFERS - 20 - count(10, BUFFERS - 10);
    CHECK(kept <= 100);

    /* Data that stay for good need no release. */
    message = message_of("E", "\"for good\"");
    OK(tidings_publish_owned(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, NULL, NULL, &fault));
    frame(&events, alice, "for good");
    tidings_batch_free(&events.batch);
    running = NULL;
    OK(tidings_engine_stop(engine, 1000, NULL, &fault));
    EXPECT(TIDINGS_STATUS_STOPPED, publish(engine, "messaging:a", make(BUFFERS - 1)));
    CHECK(count(BUFFERS - 1, BUFFERS) == 1);
    OK(tidings_engine_free(&engine));
    CHECK(count(10, BUFFERS - 10) == BUFFERS - 20);
    return 0;
}
