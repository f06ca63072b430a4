/*
 * Runs a fuzz target on inputs that were kept, without libFuzzer: FILE... and FOLDER..., in the
 * order of their names. Ends with 0 when the target has found nothing.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE_MAX_INPUT = 1 << 20 };

static int inputs;

static int run_file(const char *path) {
    /* in a block of its size: so reads beyond the end are found */
    static uint8_t buffer[SIZE_MAX_INPUT];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    size_t size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    uint8_t *data = malloc(size + !size);
    if (!data)
        abort();
    memcpy(data, buffer, size);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    inputs++;
    return 0;
}

static int run_entry(const char *folder, const char *name) {
    char path[4096];
    if (name[0] == '.')
        return 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return run_file(path);
}

static int run_path(const char *path) {
    struct dirent **entries;
    int failed = 0, count = scandir(path, &entries, NULL, alphasort);
    if (count < 0)
        return run_file(path);
    for (int i = 0; i < count; i++) {
        failed |= run_entry(path, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return failed;
}

int main(int argc, char **argv) {
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= run_path(argv[i]);
    printf("%d inputs\n", inputs);
    return failed || inputs == 0;
}
