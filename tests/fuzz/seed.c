/* tests/fuzz/seed.c - first inputs for the targets that read our own formats.
 *
 *     seed NAME FOLDER */
#include <stdio.h>
#include <string.h>

#include "engine/gguf.h"
#include "tests/mkgguf.h"
#include "tests/mkmodel.h"
#include "tests/mkzip.h"

static int save(const char *dir, const char *leaf, const struct str *bytes)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", dir, leaf);
    return mkgguf_save(path, bytes, NULL) == SOR_OK;
}

static int models(const char *dir)
{
    struct mkmodel_opts o[] = {
        { .type = GGUF_Q4_0, .n_layer = 1, .n_head = 2, .n_head_kv = 1,
          .n_ff = 32 },
        { .type = GGUF_F16, .n_layer = 1, .n_head = 2, .n_head_kv = 1,
          .n_ff = 32, .rope_freqs = 1, .untied = 1 },
    };
    int ok = 1;

    for (int i = 0; i < 2 && ok; i++) {
        struct str bytes;

        str_init(&bytes);
        mkmodel_bytes(&o[i], &bytes);
        ok = save(dir, i ? "f16" : "q4_0", &bytes);
        str_release(&bytes);
    }
    return ok;
}

/* For layer 1's ffn_up of the model that the target has. */
static int adapter(const char *dir)
{
    static const float zero[2 * 128];
    const struct mkgguf_tensor a = { "blk.1.ffn_up.weight.lora_a", GGUF_F32, 2,
                                     { 64, 2 } };
    const struct mkgguf_tensor b = { "blk.1.ffn_up.weight.lora_b", GGUF_F32, 2,
                                     { 2, 128 } };
    struct mkgguf g;
    struct str bytes;
    int ok;

    mkgguf_init(&g);
    str_init(&bytes);
    mkgguf_str(&g, "general.architecture", "llama");
    mkgguf_str(&g, "general.type", "adapter");
    mkgguf_str(&g, "adapter.type", "lora");
    mkgguf_f32(&g, "adapter.lora.alpha", 4.0f);
    mkgguf_tensor(&g, &a, zero, 64 * 2 * sizeof *zero);
    mkgguf_tensor(&g, &b, zero, 2 * 128 * sizeof *zero);
    mkgguf_file(&g, &bytes);
    ok = save(dir, "lora", &bytes);
    str_release(&bytes);
    mkgguf_release(&g);
    return ok;
}

#define ATTR(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" \
                         value "\"}}"

/* Texts, by target. */
static const struct { const char *target, *leaf, *text; } texts[] = {
    { "tokenizer", "one", "<|im_start|>user\nThe party's 3.14 \xc3\xa9"
      "\xe2\x82\xac shall not.\n\n\n  x\xff<|im_end|>" },
    { "import", "rows", "{\"question\":\"Q\",\"steps\":[\"1 + 1 = 2.\"],"
      "\"completion\":\"The answer is 2.\"}\n" },
    { "import", "chat", "{\"choices\":[{\"index\":0,\"message\":{\"content\":"
      "\"<think>a</think>b\"},\"logprobs\":{\"content\":[{\"token\":\"b\","
      "\"logprob\":-1,\"bytes\":[98],\"top_logprobs\":[]}]}}]}\n" },
    { "import", "talk", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},"
      "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":"
      "\"b\"}]}]}\n" },
    { "import", "ours", "{\"sorites\":1,\"run\":\"3fa2000000c0ffee00abcdef"
      "00000000\"}\n{\"text\":{\"id\":1,\"sha256\":\"2c624232cdd221771294df"
      "bb310aca000a0df6ac8b66b696d90ef06fdefb64a3\",\"body\":\"8\"}}\n{"
      "\"end\":\"3fa2000000c0ffee00abcdef00000000\",\"rows\":1}\n" },
    { "otlp", "genai", "{\"traceId\":\"aa\",\"spanId\":\"02\",\"parentSpanId\":"
      "\"01\",\"startTimeUnixNano\":\"1700000000000000000\",\"attributes\":["
      ATTR("gen_ai.operation.name", "chat") ","
      ATTR("gen_ai.input.messages", "[{\\\"role\\\":\\\"user\\\","
           "\\\"content\\\":\\\"Q\\\"}]") ","
      ATTR("gen_ai.output.messages", "A") "]}" },
    { "otlp", "llm", "{\"traceId\":\"bb\",\"spanId\":\"01\",\"attributes\":["
      ATTR("openinference.span.kind", "LLM") ","
      ATTR("llm.input_messages.0.message.content", "Q") ","
      ATTR("llm.output_messages.0.message.content", "A") "]}" },
    { "docx", "document", "\x03<w:document " MKZIP_W ">"
      "<w:body><w:tbl><w:tr><w:trPr>"
      "<w:del/></w:trPr><w:tc><w:p><w:pPr><w:numPr><w:ilvl w:val=\"0\"/>"
      "<w:numId w:val=\"1\"/></w:numPr></w:pPr><w:ins><w:r><w:t>a</w:t>"
      "<w:tab/></w:r></w:ins></w:p></w:tc></w:tr></w:tbl></w:body>"
      "</w:document>" },
    { "docx", "numbering", "\x02<w:numbering " MKZIP_W "><w:abstractNum "
      "w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:start w:val=\"3\"/>"
      "<w:numFmt w:val=\"lowerRoman\"/><w:lvlText w:val=\"%1.%2\"/></w:lvl>"
      "</w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/>"
      "<w:lvlOverride w:ilvl=\"0\"><w:startOverride w:val=\"9\"/>"
      "</w:lvlOverride></w:num></w:numbering>" },
};

static int text_files(const char *target, const char *dir)
{
    int ok = 1;

    for (size_t i = 0; i < sizeof texts / sizeof *texts && ok; i++) {
        struct str s;

        if (strcmp(texts[i].target, target) != 0)
            continue;
        str_init(&s);
        str_puts(&s, texts[i].text);
        ok = save(dir, texts[i].leaf, &s);
        str_release(&s);
    }
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "gguf") == 0)
        return !models(argv[2]);
    if (strcmp(argv[1], "adapter") == 0)
        return !adapter(argv[2]);
    return !text_files(argv[1], argv[2]);
}
