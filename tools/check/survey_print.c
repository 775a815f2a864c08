/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "machine.h"
#include "records.h"
#include "survey.h"

/* ---- For people ------------------------------------------------------------------------------ */

static void print_streams(const struct survey_device *device)
{
    for (uint32_t i = 0; i < device->stream_count; i++)
        printf("%s0x%x", i != 0 ? " " : "", device->stream[i]);
    printf("\n");
}

static void print_refusals(void)
{
    if (survey.refusal_count == 0) {
        printf("\nThe hypervisor's reader takes it as it is.\n");
        return;
    }
    printf("\nThe hypervisor would not start here:\n");
    for (uint32_t i = 0; i < survey.refusal_count; i++)
        printf("  %s: %s\n", survey.refusal[i].path, survey.refusal[i].text);
    printf("  What follows is what is left when that is left out.\n");
}

static void print_units(void)
{
    printf("\n%-44s %-10s %s\n", "IOMMU", "named by", "kind");
    for (uint32_t i = 0; i < survey.unit_count; i++) {
        const struct survey_unit *unit = &survey.unit[i];

        printf("%-44s %-10u %s%s%s\n", unit->path, unit->named, unit->compatible,
               unit->why != NULL ? ": " : "", unit->why != NULL ? unit->why : "");
    }
    if (survey.unit_count == 0)
        printf("none\n");
}

static void print_isolated(void)
{
    if (survey_count(ISOLATED) == 0)
        return;
    printf("\n%-6s %-40s %-32s %s\n", "group", "can be isolated", "by", "streams");
    for (uint32_t i = 0; i < survey.device_count; i++) {
        const struct survey_device *device = &survey.device[i];

        if (device->verdict != ISOLATED)
            continue;
        printf("%-6u %-40s %-32s ", device->group, device->path, device->unit_path);
        print_streams(device);
    }
}

static void print_others(const char *title, bool described)
{
    bool begun = false;

    for (uint32_t i = 0; i < survey.device_count; i++) {
        const struct survey_device *device = &survey.device[i];

        if (device->verdict == ISOLATED || (device->verdict == NO_IOMMUS) == described)
            continue;
        if (!begun)
            printf("\n%-44s %s\n", title, "why");
        begun = true;
        printf("%-44s %s\n", device->path, device->why);
    }
}

static void print_hosts(void)
{
    for (uint32_t i = 0; i < survey.host_count; i++) {
        const struct survey_host *host = &survey.host[i];

        printf("%s%-44s %s\n",
               i == 0 ? "\nPCI hosts; what stands behind them is found at boot\n" : "", host->path,
               host->compatible);
        if (host->why[0] != '\0')
            printf("  nothing behind it can be isolated: %s\n", host->why);
        for (uint32_t m = 0; host->topology != NULL && m < host->topology->map_count; m++) {
            const struct topology_id_map *map = &host->topology->map[m];

            printf("  requester ids 0x%x-0x%x: streams 0x%x-0x%x of %s\n", map->first,
                   map->first + map->count - 1, map->stream, map->stream + (map->count - 1),
                   machine_unit_name(map->iommu));
        }
    }
}

void survey_print(const char *name)
{
    uint32_t isolated = survey_count(ISOLATED);

    printf("%s: %s, %u nodes, %u bytes\n", name, survey.model, survey.nodes, survey.bytes);
    print_refusals();
    print_units();
    print_isolated();
    print_others("cannot be isolated", true);
    print_others("unprotected: masters memory, as it looks", false);
    print_hosts();
    printf("\n%u of %u masters of memory can be isolated", isolated, survey.device_count);
    for (enum verdict v = ISOLATED + 1; v < VERDICT_COUNT; v++) {
        if (survey_count(v) != 0)
            printf("; %s %u", survey_verdict_name(v), survey_count(v));
    }
    printf(
        "\n%u more nodes with registers show no sign of mastering memory: %u of them could be given\n"
        "with no-dma, on the set's word\n",
        survey.plain, survey.given);
    if (survey.blocks > TOPOLOGY_BLOCKS)
        printf("%u nodes with registers, of which the hypervisor keeps the first %u\n",
               survey.blocks, (unsigned int)TOPOLOGY_BLOCKS);
}

/* ---- For programs ---------------------------------------------------------------------------- */

static void record_why(const char *text)
{
    if (text != NULL && *text != '\0')
        record_text("why", text);
    else
        record_null("why");
}

static void record_devices(void)
{
    for (uint32_t i = 0; i < survey.device_count; i++) {
        const struct survey_device *device = &survey.device[i];

        record_begin("master");
        record_text("path", device->path);
        record_text("compatible", device->compatible);
        record_text("verdict", survey_verdict_name(device->verdict));
        record_why(device->why);
        record_text("unit", device->unit_path);
        record_number("group", device->group);
        record_list("streams");
        for (uint32_t s = 0; s < device->stream_count; s++)
            record_number(NULL, device->stream[s]);
        record_list_end();
        record_end();
    }
}

static void record_hosts(void)
{
    for (uint32_t i = 0; i < survey.host_count; i++) {
        const struct survey_host *host = &survey.host[i];

        record_begin("host");
        record_text("path", host->path);
        record_text("compatible", host->compatible);
        record_why(host->why);
        record_text("unit", host->unit_path);
        record_number("maps", host->topology != NULL ? host->topology->map_count : 0);
        record_end();
    }
}

static void record_summary(void)
{
    record_begin("summary");
    for (enum verdict v = ISOLATED; v < VERDICT_COUNT; v++)
        record_number(survey_verdict_name(v), survey_count(v));
    record_number("plain", survey.plain);
    record_number("given", survey.given);
    record_number("blocks", survey.blocks);
    record_number("kept", TOPOLOGY_BLOCKS);
    record_end();
}

void survey_record(const char *name)
{
    record_begin("board");
    record_text("name", name);
    record_text("model", survey.model);
    record_number("nodes", survey.nodes);
    record_number("bytes", survey.bytes);
    record_end();
    for (uint32_t i = 0; i < survey.refusal_count; i++) {
        record_begin("refusal");
        record_text("path", survey.refusal[i].path);
        record_text("why", survey.refusal[i].text);
        record_end();
    }
    for (uint32_t i = 0; i < survey.unit_count; i++) {
        const struct survey_unit *unit = &survey.unit[i];

        record_begin("unit");
        record_text("name", unit->path);
        record_text("compatible", unit->compatible);
        record_flag("smmuv3", facts_is_smmuv3(survey.tree, unit->node));
        record_flag("driven", unit->driven);
        record_flag("enabled", unit->enabled);
        record_flag("usable", unit->usable && unit->enabled);
        record_number("named", unit->named);
        record_why(unit->why);
        record_end();
    }
    record_devices();
    record_hosts();
    record_summary();
}
