#include "viz/style.h"

#include <string.h>

#define ORANGE     "#E69F00"
#define SKY        "#56B4E9"
#define GREEN      "#009E73"
#define BLUE       "#0072B2"
#define VERMILLION "#D55E00"
#define PURPLE     "#CC79A7"
#define GREY       "#8C8C8C"

const struct style_theme style_themes[STYLE_THEMES] = {
    [STYLE_LIGHT] = { "light", "#FFFFFF", "#1B1F24", "#59636E", "#C9D1D9",
                      "#FFFFFF", "#F5F7F9", "#FFF3B8", "#4A3B00", "#E4E8EC",
                      "#24303C", "#FFFFFF" },
    [STYLE_DARK]  = { "dark", "#14181D", "#E8ECF0", "#A3AEB9", "#414B56",
                      "#1F262D", "#191F25", "#5C4A00", "#FFF3B8", "#37414B",
                      "#E8ECF0", "#14181D" },
};

const struct style_node style_nodes[GRAPH_NODE_KINDS] = {
    [GRAPH_QUESTION]   = { "box",      "question",   NULL },
    [GRAPH_STEP]       = { "box",      "step",       "step" },
    [GRAPH_FOLD]       = { "plain",    "fold",       NULL },
    [GRAPH_VOTE]       = { "ellipse",  "vote",       "answer and votes" },
    [GRAPH_CONCLUSION] = { "octagon",  "conclusion", "conclusion" },
    [GRAPH_CLAUSE]     = { "box",      "clause",     "clause" },
    [GRAPH_TERM]       = { "ellipse",  "term",       "defined term" },
    [GRAPH_OUTSIDE]    = { "box",      "outside",    "not in the document" },
    [GRAPH_CLAIM]      = { "box",      "claim",      "claim and verdict" },
};

const struct style_edge style_edges[GRAPH_EDGE_KINDS] = {
    [GRAPH_FOLLOWS]   = { "follows", "solid", "normal", NULL,
                          NULL, "100", 1.2, 0, "follows", 0 },
    [GRAPH_REFERS]    = { "refers_to", "solid", "vee", "e",
                          BLUE, "1", 0.8, 1.2, "refers to", 0 },
    [GRAPH_SHARES]    = { "shares", "solid", "odot", "e",
                          GREEN, "1", 0.6, 1.2, "shares words, numbers", 0 },
    [GRAPH_ATTENDS]   = { "attends", "dashed", "open", NULL,
                          GREY, "1", 0.4, 2.0, "attends (correlation)", 0 },
    [GRAPH_CONCLUDES] = { "concludes", "solid", "normal", NULL,
                          PURPLE, "2", 1.6, 0, "concludes", 0 },
    [GRAPH_FORKS]     = { "forks", "dotted", "vee", NULL,
                          VERMILLION, "1", 1.4, 0, "forked off here", 0 },
    [GRAPH_SUPPORTS]  = { "supports", "solid", "normal", "e",
                          GREEN, "1", 1.0, 3.0, "supports (causal)", 0 },
    [GRAPH_CONTRADICTS] = { "contradicts", "solid", "tee", "e",
                          VERMILLION, "1", 1.0, 3.0,
                          "contradicts (causal)", 0 },
    [GRAPH_DEFINES]   = { "defines", "solid", "dot", NULL,
                          SKY, "2", 1.0, 0, "defines", 0 },
    [GRAPH_USES]      = { "uses", "dashed", "vee", NULL,
                          GREY, "1", 0.6, 0, "uses", 0 },
    [GRAPH_CONDITION] = { "condition_of", "solid", "odiamond", "e",
                          ORANGE, "1", 1.2, 0, "condition of", 1 },
    [GRAPH_EXCEPTION] = { "exception_to", "solid", "tee", "e",
                          PURPLE, "1", 1.2, 0, "exception to", 1 },
    [GRAPH_OVERRIDES] = { "overrides", "solid", "normal", "e",
                          VERMILLION, "1", 1.4, 0, "overrides", 1 },
    [GRAPH_CONFLICTS] = { "conflicts_with", "solid", "obox", "e",
                          VERMILLION, "1", 2.0, 0, "conflicts with", 1 },
    [GRAPH_FOR]       = { "for", "solid", "normal", NULL,
                          GREEN, "2", 0.8, 1.6, "read to support", 0 },
    [GRAPH_AGAINST]   = { "against", "solid", "tee", NULL,
                          VERMILLION, "2", 0.8, 1.6, "read to contradict", 0 },
};

const struct style_origin style_origins[GRAPH_ORIGINS] = {
    [GRAPH_RULE]      = { "rule",      1, 2 },
    [GRAPH_SCORED]    = { "scored",    3, 1 },
    [GRAPH_GENERATED] = { "generated", 1, 1 },
};

const char *style_role(const char *role)
{
    static const struct {
        const char *role, *color;
    } table[] = {
        { "state", GREY },         { "plan", SKY },      { "compute", BLUE },
        { "infer", GREEN },        { "check", ORANGE },
        { "backtrack", VERMILLION }, { "conclude", PURPLE },
        { "obligation", BLUE },    { "permission", GREEN },
        { "prohibition", VERMILLION },
    };

    for (size_t i = 0; role && i < sizeof table / sizeof *table; i++)
        if (!strcmp(role, table[i].role))
            return table[i].color;
    return GREY;
}

const char *style_verdict(const char *verdict)
{
    static const struct {
        const char *verdict, *color;
    } table[] = {
        { "supported", GREEN }, { "contradicted", VERMILLION },
        { "needs_review", ORANGE },
    };

    for (size_t i = 0; verdict && i < sizeof table / sizeof *table; i++)
        if (!strcmp(verdict, table[i].verdict))
            return table[i].color;
    return GREY;
}

const char *style_vote(int rank)
{
    static const char *const color[STYLE_VOTES] = {
        GREEN, ORANGE, SKY, VERMILLION, PURPLE, BLUE };

    return rank < 0 || rank >= STYLE_VOTES ? GREY : color[rank];
}

const char *style_series(int i)
{
    static const char *const color[] = { BLUE, ORANGE, GREEN, PURPLE, SKY,
                                         VERMILLION };

    return color[(unsigned)i % (sizeof color / sizeof *color)];
}
