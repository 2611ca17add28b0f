/* A thousand lives: no memory, no thread and no descriptor is left of them. */
#include "check.h"
#include <dirent.h>

#define LIVES 1000
#define WARM 100

static size_t entries(const char *folder) {
    size_t count = 0;
    DIR *opened = opendir(folder);
    CHECK(opened != NULL);
    while (readdir(opened) != NULL) count++;
    closedir(opened);
    return count;
}

static size_t resident_kib(void) {
    char line[256];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %zu kB", &kib) == 1) break;
    fclose(status);
    return kib;
}

/* A life with all that takes something: a listener, a descriptor, a session, publications. */
static void live(int number) {
    tidings_engine *engine = start();
    tidings_message message = message_of("E", "{\"n\":1}");
    uint16_t port = 0;
    int32_t descriptor = -1;
    OK(tidings_listen(engine, TIDINGS_TEXT("127.0.0.1:0"), &port, &fault));
    OK(tidings_engine_fd(engine, &descriptor, &fault));
    CHECK(port > 0 && descriptor >= 0);
    if (number % 10 == 0) {
        reader events = read_from(engine);
        uint64_t alice = user(&events, "alice");
        say(engine, alice, "{\"id\":2,\"subscribe\":{\"channel\":\"messaging:a\"}}");
        OK(tidings_publish(engine, TIDINGS_TEXT("messaging:a"), &message, NULL, &fault));
        frame(&events, alice, "\"n\":1");
        tidings_batch_free(&events.batch);
    }
    /* One in two is freed without a stop. */
    if (number % 2 == 0) OK(tidings_engine_stop(engine, 1000, NULL, &fault));
    OK(tidings_engine_free(&engine));
}

int main(int argc, char **argv) {
    unused();
    int lives = argc > 1 ? atoi(argv[1]) : LIVES;
    size_t descriptors = 0, threads = 0, kib = 0;
    double began = seconds();
    for (int at = 0; at < lives; at++) {
        if (at == WARM) {
            descriptors = entries("/proc/self/fd");
            threads = entries("/proc/self/task");
            kib = resident_kib();
        }
        live(at);
    }
    printf("%d lives in %.1f s; %zu KiB after %d, %zu KiB at the end\n", lives, seconds() - began, kib, WARM,
           resident_kib());
    if (lives > WARM) {
        CHECK(entries("/proc/self/fd") == descriptors);
        CHECK(entries("/proc/self/task") == threads);
        /* Ten bytes a life would be 9 KiB; allocators take some hundred more at their leisure. */
        CHECK(resident_kib() < kib + 4096);
    }
    return 0;
}
