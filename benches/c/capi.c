/*
 * What a publication and an event cost through the C library. Run by `tidings-bench`'s `capi`, which compares it with the same in
 * Rust: capi MODE COUNT prints nanoseconds of processor time, of all threads, for each.
 *
 *     publish    a channel with one member in the process, whose frames are thrown away unread
 *     events     frames for a hundred members, polled and read by one thread
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tidings.h>
#include <time.h>

static tidings_error fault = {.size = sizeof fault};

static void must(int32_t status) {
    if (status == TIDINGS_STATUS_OK) return;
    fprintf(stderr, "capi: %s (%d)\n", fault.message, status);
    exit(1);
}

static double now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void set(tidings_config *config, const char *key, const char *value) {
    must(tidings_config_set(config, key, strlen(key), value, strlen(value), &fault));
}

static tidings_engine *start(void) {
    tidings_config *config = NULL;
    tidings_engine *engine = NULL;
    must(tidings_config_new(&config, &fault));
    set(config, "host.threads", "1");
    set(config, "host.events", "");
    set(config, "host.events_max", "2000000");
    set(config, "host.events_bytes_max", "1073741824");
    set(config, "limits.messages_per_minute", "0");
    set(config, "limits.others_per_minute", "0");
    must(tidings_engine_start(config, &engine, &fault));
    must(tidings_config_free(&config));
    return engine;
}

/* Reads what waits, lets in whoever connects, and returns how many frames there were. */
static size_t hear(tidings_engine *engine, int32_t timeout_ms) {
    static const tidings_view all = {"*", 1};
    tidings_batch *batch = NULL;
    size_t count = 0, frames = 0;
    must(tidings_engine_poll(engine, timeout_ms, &batch, &fault));
    must(tidings_batch_count(batch, &count, &fault));
    for (size_t at = 0; at < count; at++) {
        tidings_event event = {.size = sizeof event};
        must(tidings_batch_get(batch, at, &event, &fault));
        if (event.kind == TIDINGS_EVENT_KIND_LOCAL_FRAME) frames += event.data.len > 0;
        if (event.kind != TIDINGS_EVENT_KIND_QUESTION_CONNECT) continue;
        tidings_admission admission = {
            .size = sizeof admission, .user = event.data, .subscribe = &all, .subscribe_count = 1};
        must(tidings_admit(engine, event.id, &admission, &fault));
    }
    must(tidings_batch_free(&batch));
    return frames;
}

/* Members of a channel, each connected and subscribed. */
static void join(tidings_engine *engine, int members) {
    size_t frames = 0;
    for (int at = 0; at < members; at++) {
        char text[256];
        uint64_t local = 0;
        must(tidings_local_open(engine, &local, &fault));
        snprintf(text, sizeof text,
                 "{\"id\":1,\"connect\":{\"token\":\"user%d\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"realtime:a\"}}", at);
        must(tidings_local_send(engine, local, text, strlen(text), &fault));
    }
    while (frames < 2 * (size_t)members) frames += hear(engine, 1000);
}

static void publish(tidings_engine *engine) {
    static char data[160];
    if (data[0] == 0) {
        memset(data, 'x', 130);
        data[0] = data[129] = '"';
    }
    tidings_message message = {.size = sizeof message, .codec = TIDINGS_CODEC_JSON, .event = {"E", 1}, .data = {data, 130}};
    must(tidings_publish(engine, TIDINGS_TEXT("realtime:a"), &message, NULL, &fault));
}

/* All of the process's processor time for each publication, to nobody: what the border itself can add to. */
static void measure_publish(long count) {
    tidings_engine *engine = start();
    for (long at = 0; at < count / 10; at++) publish(engine);
    double began = now(CLOCK_PROCESS_CPUTIME_ID);
    for (long at = 0; at < count; at++) publish(engine);
    printf("%.1f\n", (now(CLOCK_PROCESS_CPUTIME_ID) - began) / (double)count);
    must(tidings_engine_stop(engine, 0, NULL, &fault));
    must(tidings_engine_free(&engine));
}

#define MEMBERS 100

/* Rounds of publications until a batch is full of frames; then polling and reading them is what is measured. */
static void measure_events(long count) {
    tidings_engine *engine = start();
    join(engine, MEMBERS);
    double spent = 0, all = now(CLOCK_PROCESS_CPUTIME_ID);
    long heard = 0, published = 0;
    while (heard < count) {
        for (int at = 0; at < 400; at++, published++) publish(engine);
        while (heard < published * MEMBERS) {
            double began = now(CLOCK_THREAD_CPUTIME_ID);
            heard += (long)hear(engine, 1000);
            spent += now(CLOCK_THREAD_CPUTIME_ID) - began;
        }
    }
    printf("%.1f %.1f\n", (now(CLOCK_PROCESS_CPUTIME_ID) - all) / (double)heard, spent / (double)heard);
    must(tidings_engine_stop(engine, 0, NULL, &fault));
    must(tidings_engine_free(&engine));
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    if (strcmp(argv[1], "publish") == 0) measure_publish(atol(argv[2]));
    else if (strcmp(argv[1], "events") == 0) measure_events(atol(argv[2]));
    else return 2;
    return 0;
}
