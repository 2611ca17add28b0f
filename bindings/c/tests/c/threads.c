/* Eight threads on one engine: some publish, some poll and answer, some come and go. Then it is stopped under load. */
#include "check.h"
#include <pthread.h>
#include <stdatomic.h>

static tidings_engine *engine;
static atomic_ulong published, answered, heard, opened;

static void *publisher(void *unused_argument) {
    (void)unused_argument;
    tidings_message message = message_of("E", "{\"n\":1}");
    for (;;) {
        int32_t status = tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault);
        if (status == TIDINGS_STATUS_STOPPED) return NULL;
        OK(status);
        atomic_fetch_add(&published, 1);
    }
}

static void answer(const tidings_event *event) {
    int32_t status = TIDINGS_STATUS_OK;
    if (event->kind == TIDINGS_EVENT_KIND_QUESTION_CONNECT) {
        static const tidings_view all = {"*", 1};
        tidings_admission admission = {.size = sizeof admission,
                                       .user = event->data,
                                       .subscribe = &all,
                                       .subscribe_count = 1};
        status = tidings_admit(engine, event->id, &admission, &fault);
    } else if (event->kind == TIDINGS_EVENT_KIND_QUESTION_CALL) {
        status = tidings_reply(engine, event->id, TIDINGS_CODEC_JSON, TIDINGS_TEXT("1"), &fault);
    } else {
        atomic_fetch_add(&heard, 1);
        return;
    }
    CHECK(status == TIDINGS_STATUS_OK || status == TIDINGS_STATUS_STALE || status == TIDINGS_STATUS_STOPPED);
    atomic_fetch_add(&answered, 1);
}

static void *poller(void *unused_argument) {
    (void)unused_argument;
    for (;;) {
        tidings_batch *batch = NULL;
        size_t count = 0;
        int32_t status = tidings_engine_poll(engine, -1, &batch, &fault);
        if (status == TIDINGS_STATUS_STOPPED) return NULL;
        OK(status);
        OK(tidings_batch_count(batch, &count, &fault));
        for (size_t at = 0; at < count; at++) {
            tidings_event event = {.size = sizeof event};
            OK(tidings_batch_get(batch, at, &event, &fault));
            answer(&event);
        }
        OK(tidings_batch_free(&batch));
    }
}

static void *visitor(void *name) {
    char text[128];
    for (;;) {
        uint64_t local = 0;
        int32_t status = tidings_local_open(engine, &local, &fault);
        if (status == TIDINGS_STATUS_STOPPED) return NULL;
        OK(status);
        atomic_fetch_add(&opened, 1);
        snprintf(text, sizeof text,
                 "{\"id\":1,\"connect\":{\"token\":\"%s\"}}\n{\"id\":2,\"subscribe\":{\"channel\":\"messaging:a\"}}\n"
                 "{\"id\":3,\"call\":{\"method\":\"one\"}}",
                 (const char *)name);
        status = tidings_local_send(engine, local, text, strlen(text), &fault);
        CHECK(status == TIDINGS_STATUS_OK || status == TIDINGS_STATUS_STOPPED || status == TIDINGS_STATUS_STALE);
        struct timespec moment = {0, 2000000};
        nanosleep(&moment, NULL);
        status = tidings_local_close(engine, local, &fault);
        CHECK(status == TIDINGS_STATUS_OK || status == TIDINGS_STATUS_STOPPED || status == TIDINGS_STATUS_STALE);
    }
}

int main(int argc, char **argv) {
    unused();
    int ms = argc > 1 ? atoi(argv[1]) : 2000;
    pthread_t threads[8];
    static char alice[] = "alice", bob[] = "bob";
    engine = start();
    for (int at = 0; at < 3; at++) CHECK(pthread_create(&threads[at], NULL, publisher, NULL) == 0);
    for (int at = 3; at < 6; at++) CHECK(pthread_create(&threads[at], NULL, poller, NULL) == 0);
    CHECK(pthread_create(&threads[6], NULL, visitor, alice) == 0);
    CHECK(pthread_create(&threads[7], NULL, visitor, bob) == 0);
    struct timespec load = {ms / 1000, (ms % 1000) * 1000000L};
    nanosleep(&load, NULL);
    double began = seconds();
    OK(tidings_engine_stop(engine, 1000, NULL, &fault));
    double took = seconds() - began;
    for (int at = 0; at < 8; at++) CHECK(pthread_join(threads[at], NULL) == 0);
    printf("%lu published, %lu answered, %lu heard, %lu visits; stopped in %.2f s\n", published, answered, heard, opened,
           took);
    CHECK(published > 0 && answered > 0 && heard > 0 && opened > 0);
    CHECK(took < 15);
    OK(tidings_engine_free(&engine));
    return 0;
}
