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
        { BH_GROUP_REGISTERS, "registers on one page" },
        { BH_GROUP_VIRTUAL_FUNCTION, "virtual functions of one device, for which nobody vouches" },
    };
    size_t used = format(text, size, "%s", reasons == 0 ? "stands alone" : "");

    for (size_t i = 0; i < ARRAY_LENGTH(known) && used < size; i++) {
        if ((reasons & known[i].bit) != 0)
            used += format(text + used, size - used, "%s%s", used != 0 ? "; " : "", known[i].text);
    }
}

static bool share_page(const struct device *a, const struct device *b)
{
    bool found = false;

    for (unsigned int i = 0; i < TOPOLOGY_REGISTERS; i++) {
        struct topology_range x = device_pages(a, i);

        for (unsigned int j = 0; j < TOPOLOGY_REGISTERS; j++) {
            struct topology_range y = device_pages(b, j);

            found = found ||
                    (x.size != 0 && y.size != 0 && range_overlaps(x.base, x.size, y.base, y.size));
        }
    }
    return found;
}

static bool has_part_of_page(const struct device *device)
{
    bool found = false;

    for (unsigned int i = 0; i < TOPOLOGY_REGISTERS; i++)
        found = found || device_registers(device, i).size != device_pages(device, i).size;
    return found;
}

/* The group of b becomes that of a. */
static void join(const struct device *a, const struct device *b)
{
    const struct group *left = b->group;

    for (uint32_t i = 0; i < devices.count && left != a->group; i++) {
        if (devices.device[i].group == left) {
            devices.device[i].group = a->group;
            a->group->members++;
        }
    }
    a->group->reasons |= BH_GROUP_REGISTERS;
}

void groups_join_pages(void)
{
    /* Who has a device has the page, so this begins with those that somebody may have. */
    for (uint32_t i = 0; i < devices.count; i++) {
        const struct device *a = &devices.device[i];

        if (a->block == NULL || a->refusal != NULL || !has_part_of_page(a))
            continue;
        for (uint32_t j = 0; j < devices.count; j++) {
            const struct device *b = &devices.device[j];

            if (b != a && b->block != NULL && share_page(a, b))
                join(a, b);
        }
    }
    for (uint32_t i = 0; i < devices.count; i++) {
        const struct device *bad = &devices.device[i];

        for (uint32_t j = 0; j < devices.count && bad->refusal != NULL &&
                             (bad->group->reasons & BH_GROUP_REGISTERS) != 0;
             j++) {
            if (devices.device[j].group == bad->group && devices.device[j].refusal == NULL)
                devices.device[j].refusal = "shares register pages with something that nobody may "
                                            "have";
        }
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
