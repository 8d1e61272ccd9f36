/* tests/models.h - the models that tests run. */
#ifndef TESTS_MODELS_H
#define TESTS_MODELS_H

/* A generated random model under 1 MB, made on first use in a folder that goes
 * when the program ends.  Its weights are noise, its shape is not: several
 * layers, grouped heads, quantised and float tensors.  NULL: cannot be made. */
const char *models_small(void);

/* $SORITES_TEST_MODEL, or NULL. */
const char *models_real(void);

#endif
