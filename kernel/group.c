/* SPDX-License-Identifier: Apache-2.0 */
/* What a group is to those who read of it, and to the address spaces of its owner. */
#include "bulkhead/abi.h"
#include "kernel/device.h"
#include "lib/format.h"
#include "lib/log.h"

void group_explain(uint32_t reasons, char *text, size_t size)
{
    static const struct {
        uint32_t bit;
        const char *text;
    } known[] = {
        { BH_GROUP_ALIAS, "one requester id behind a bridge" },
        { BH_GROUP_MULTIFUNCTION, "functions of one device, no ACS between them" },
        { BH_GROUP_NO_ACS, "a switch port without ACS above them" },
        { BH_GROUP_ROOT_COMPLEX, "the board does not vouch for the root complex" },
    };
    size_t used = format(text, size, "%s", reasons == 0 ? "stands alone" : "");

    for (size_t i = 0; i < ARRAY_LENGTH(known) && used < size; i++) {
        if ((reasons & known[i].bit) != 0)
            used += format(text + used, size - used, "%s%s", used != 0 ? "; " : "", known[i].text);
    }
}

static bool is_first(const struct device *device)
{
    for (const struct device *other = devices.device; other < device; other++) {
        if (other->group == device->group)
            return false;
    }
    return true;
}

void groups_tell(void)
{
    for (uint32_t i = 0; i < devices.count; i++) {
        const struct device *device = &devices.device[i];
        char why[GROUP_REASONS];

        if (device->group->members < 2 || !is_first(device))
            continue;
        group_explain(device->group->reasons, why, sizeof(why));
        log_info("%s and %u more are one group: %s", device->name, device->group->members - 1, why);
    }
}
