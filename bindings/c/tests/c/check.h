/* What every test program needs: checks that say where they failed, and an engine to test. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tidings.h>
#include <time.h>
#include <unistd.h>

#define CHECK(condition)                                                                                      \
    do {                                                                                                      \
        if (!(condition)) {                                                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                   \
            exit(1);                                                                                          \
        }                                                                                                     \
    } while (0)

/* The call returns this, and names what is wrong if it is an error. */
#define EXPECT(wanted, call)                                                                                  \
    do {                                                                                                      \
        int32_t got_ = (call);                                                                                \
        if (got_ != (wanted)) {                                                                               \
            fprintf(stderr, "%s:%d: %s is %d, not %d: %s\n", __FILE__, __LINE__, #call, got_, (int)(wanted),  \
                    fault.message);                                                                           \
            exit(1);                                                                                          \
        }                                                                                                     \
    } while (0)

#define OK(call) EXPECT(TIDINGS_STATUS_OK, call)

/* The error that the calls of a test fill in; each thread has its own. */
static __thread tidings_error fault = {sizeof(tidings_error), 0, 0, 0, {0}};

static inline int same(tidings_view view, const char *text) {
    return view.len == strlen(text) && (view.len == 0 || memcmp(view.data, text, view.len) == 0);
}

static inline int holds(tidings_view view, const char *text) {
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= view.len; at++)
        if (memcmp(view.data + at, text, len) == 0) return 1;
    return 0;
}

static inline tidings_view view(const char *text) {
    tidings_view made = {text, strlen(text)};
    return made;
}

static inline tidings_message message_of(const char *event, const char *data) {
    tidings_message message;
    memset(&message, 0, sizeof message);
    message.size = sizeof message;
    message.codec = TIDINGS_CODEC_JSON;
    message.event = view(event);
    message.data = view(data);
    return message;
}

static inline void set(tidings_config *config, const char *key, const char *value) {
    OK(tidings_config_set(config, key, strlen(key), value, strlen(value), &fault));
}

/* Two threads are enough, and more than one finds what one does not. */
static inline tidings_config *settings(void) {
    tidings_config *config = NULL;
    OK(tidings_config_new(&config, &fault));
    set(config, "host.threads", "2");
    set(config, "limits.messages_per_minute", "0");
    set(config, "limits.others_per_minute", "0");
    return config;
}

static inline tidings_engine *start_with(tidings_config *config) {
    tidings_engine *engine = NULL;
    OK(tidings_engine_start(config, &engine, &fault));
    OK(tidings_config_free(&config));
    return engine;
}

static inline tidings_engine *start(void) { return start_with(settings()); }

static inline void end(tidings_engine *engine) {
    OK(tidings_engine_stop(engine, 2000, NULL, &fault));
    OK(tidings_engine_free(&engine));
    CHECK(engine == NULL);
}

/* Everybody is who the token says, and may do everything. */
static inline void let_in(tidings_engine *engine, const tidings_event *event) {
    static const tidings_view all = {"*", 1};
    tidings_admission admission;
    memset(&admission, 0, sizeof admission);
    admission.size = sizeof admission;
    admission.user = event->data;
    admission.subscribe = admission.publish = admission.send = admission.watch = &all;
    admission.subscribe_count = admission.publish_count = admission.send_count = admission.watch_count = 1;
    OK(tidings_admit(engine, event->id, &admission, &fault));
}

/* How long anything may take that ought to come at once, in milliseconds. */
#define PATIENCE 20000

/* A batch, and how far it was read. */
typedef struct reader {
    tidings_engine *engine;
    tidings_batch *batch;
    size_t count, at;
} reader;

/* The next event of a kind, or any with 0. Everybody who connects meanwhile is let in. What is passed over is gone. */
static inline tidings_event next(reader *from, int32_t kind) {
    for (;;) {
        while (from->at < from->count) {
            tidings_event event;
            memset(&event, 0, sizeof event);
            event.size = sizeof event;
            OK(tidings_batch_get(from->batch, from->at++, &event, &fault));
            if (event.kind == kind || kind == 0) return event;
            if (event.kind == TIDINGS_EVENT_KIND_QUESTION_CONNECT) let_in(from->engine, &event);
        }
        OK(tidings_batch_free(&from->batch));
        OK(tidings_engine_poll(from->engine, PATIENCE, &from->batch, &fault));
        if (from->batch == NULL) {
            fprintf(stderr, "no event of kind %d came in time\n", kind);
            exit(1);
        }
        from->at = 0;
        OK(tidings_batch_count(from->batch, &from->count, &fault));
    }
}

static inline reader read_from(tidings_engine *engine) {
    reader made = {engine, NULL, 0, 0};
    return made;
}

/* The next frame of a local connection that holds a word. */
static inline tidings_event frame(reader *from, uint64_t local, const char *word) {
    for (;;) {
        tidings_event event = next(from, TIDINGS_EVENT_KIND_LOCAL_FRAME);
        if (event.id == local && holds(event.data, word)) return event;
    }
}

static inline void say(tidings_engine *engine, uint64_t local, const char *frames) {
    OK(tidings_local_send(engine, local, frames, strlen(frames), &fault));
}

/* A connected user. */
static inline uint64_t user(reader *from, const char *name) {
    char text[256];
    uint64_t local = 0;
    OK(tidings_local_open(from->engine, &local, &fault));
    snprintf(text, sizeof text, "{\"id\":1,\"connect\":{\"token\":\"%s\"}}", name);
    say(from->engine, local, text);
    frame(from, local, "\"connected\"");
    return local;
}

static inline double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Keeps the compiler quiet about what a program does not use. */
static inline void unused(void) {
    (void)same, (void)holds, (void)start, (void)end, (void)user, (void)seconds, (void)message_of;
}

#endif
