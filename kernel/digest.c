/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/digest.h"

#include "arch/boot.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/sha256.h"

static uint8_t image[SHA256_SIZE];

void digest_print(const char *what, const char *name, const uint8_t *digest)
{
    char text[2 * SHA256_SIZE + 1];

    for (unsigned int i = 0; i < SHA256_SIZE; i++)
        format(text + (size_t)2 * i, 3, "%02x", digest[i]);
    log_info("%s%s, SHA-256 %s", what, name, text);
}

void digest_start(void)
{
    arch_image_digest(image);
    digest_print("image", "", image);
}

const uint8_t *digest_of_image(void)
{
    return image;
}
