/* tests/minipack.c - see minipack.h. */
#include "tests/minipack.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char minipack_dir[] = "/tmp/sorites-pack-XXXXXX";

const char *const minipack_files[MINIPACK_FILES][2] = {
    { "pack.json",
      "{\"format\":1,\"id\":\"small\",\"title\":\"Small\",\"version\":\"1\","
      "\"licence\":\"none\",\"attribution\":\"ours\",\"note\":\"for tests\","
      "\"calibration\":{\"temperature\":2,\"bias_unrelated\":-0.25,"
      "\"give\":0.8,\"opposite\":0.5,\"give_strict\":0.9,"
      "\"opposite_strict\":0.7,\"unrelated\":0.9,\"not_addressed\":0.3,"
      "\"type_temperature\":1.9,\"related\":{\"evidence\":0.85,\"prior\":0.8,"
      "\"bias\":-0.5},\"supports\":{\"evidence\":1.3,\"prior\":0.2,\"bias\":0},"
      "\"answer\":0.75,\"answer_strict\":0.85,\"path_correlation\":0.8,"
      "\"confidence\":[[0,0],[1,1]]},"
      "\"files\":{\"patterns\":[\"p.json\"],\"types\":\"t.json\","
      "\"claims\":[\"c.json\"],\"playbook\":\"b.json\","
      "\"measured\":\"m.json\",\"facts\":\"f.json\"}}" },
    { "p.json",
      "{\"patterns\":["
      "{\"id\":\"z.1\",\"purpose\":\"z\",\"regex\":\"zed\"},"
      "{\"id\":\"a.1\",\"purpose\":\"a\",\"regex\":\"(b)(c)?\"},"
      "{\"id\":\"z.2\",\"purpose\":\"z\",\"regex\":\"Z+\",\"flags\":\"i\"},"
      "{\"id\":\"a.2\",\"purpose\":\"a\",\"regex\":\"^(x+x+)+y$\"}]}" },
    { "t.json", "{\"types\":[{\"label\":\"Law\",\"title\":\"Law\"},"
                "{\"label\":\"None\",\"title\":\"None\"}]}" },
    { "c.json",
      "{\"set\":{\"id\":\"one\",\"title\":\"One\",\"document\":\"a\"},"
      "\"claims\":[{\"id\":\"k\",\"title\":\"K\",\"type\":\"Law\","
      "\"wordings\":["
      "{\"role\":\"statement\",\"text\":\"A law is named.\"},"
      "{\"role\":\"paraphrase\",\"text\":\"It names a law.\","
      "\"trained\":false},"
      "{\"role\":\"opposite\",\"text\":\"No law is named.\"},"
      "{\"role\":\"swap\",\"text\":\"A judge is named.\"}]},"
      "{\"id\":\"v\",\"title\":\"V\",\"kind\":\"law\",\"wordings\":["
      "{\"role\":\"statement\",\"text\":\"The law is {}.\"}]}]}" },
    { "b.json",
      "{\"playbook\":[{\"claim\":\"k\",\"positions\":["
      "{\"party\":\"buyer\",\"on\":{\"supported\":\"standard\","
      "\"contradicted\":\"unacceptable\",\"not_addressed\":\"fallback\"},"
      "\"text\":\"Name it.\"}]}],"
      "\"required\":[{\"id\":\"law\",\"title\":\"Law\",\"found\":\"a\"}]}" },
    { "m.json",
      "{\"types\":[],\"claims\":[{\"claim\":\"k\",\"verdict\":\"any\","
      "\"n\":10,\"wrong\":1,\"low\":0.01,\"high\":0.4,\"set\":\"ten\"}]}" },
    { "f.json",
      "{\"facts\":[{\"group\":\"g\",\"id\":\"1\",\"title\":\"one\"},"
      "{\"group\":\"a\",\"id\":\"1\",\"title\":\"uno\"},"
      "{\"group\":\"g\",\"id\":\"2\",\"title\":\"two\",\"of\":\"1\"}]}" },
};

static void path_of(char path[128], const char *name)
{
    snprintf(path, 128, "%s/%s", minipack_dir, name);
}

int minipack_spill(const char *name, const char *text)
{
    char path[128];
    FILE *f;
    int ok;

    path_of(path, name);
    unlink(path);
    f = fopen(path, "w");
    if (!f)
        return -1;
    ok = fputs(text, f) >= 0;
    return fclose(f) == 0 && ok ? 0 : -1;
}

int minipack_make(void **state)
{
    (void)state;
    return mkdtemp(minipack_dir) ? 0 : -1;
}

int minipack_write(void **state)
{
    int bad = 0;

    (void)state;
    for (int i = 0; i < MINIPACK_FILES; i++)
        bad |= minipack_spill(minipack_files[i][0], minipack_files[i][1]);
    return bad;
}

int minipack_remove(void **state)
{
    char path[128];

    (void)state;
    for (int i = 0; i < MINIPACK_FILES; i++) {
        path_of(path, minipack_files[i][0]);
        unlink(path);
    }
    return rmdir(minipack_dir);
}
