/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "selfcheck.h"

#define LINE_BYTES 100
#define EXIT_NO_INPUT 1

int test_listen(void)
{
    char line[LINE_BYTES];

    printf("listens\n");
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (strcmp(line, "end\n") == 0)
            return 0;
        printf("heard: %s", line);
    }
    return EXIT_NO_INPUT;
}
