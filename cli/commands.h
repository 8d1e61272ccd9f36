/* cli/commands.h - one line per subcommand, in the order of `sorites help`.
 * X(name): cli/cmd_name.c defines `const struct cmd cmd_name`. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#define CLI_COMMANDS(X) \
    X(run)              \
    X(review)           \
    X(report)           \
    X(decide)           \
    X(eval)             \
    X(replay)           \
    X(lens)             \
    X(fork)             \
    X(diff)             \
    X(ablate)           \
    X(faithful)         \
    X(attention)        \
    X(activations)      \
    X(patch)            \
    X(score)            \
    X(tokenize)         \
    X(classify)         \
    X(assess)           \
    X(inspect)          \
    X(quantize)         \
    X(calibrate)        \
    X(bench)            \
    X(browse)           \
    X(graph)            \
    X(sql)              \
    X(runs)             \
    X(rm)               \
    X(forget)           \
    X(seal)             \
    X(verify)           \
    X(import)           \
    X(export)           \
    X(domains)          \
    X(info)             \
    X(help)

#endif
