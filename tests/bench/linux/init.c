/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only program of a Linux that `make bench-linux` boots: what VFIO type1 takes for what
 * guests/bench measures of Bulkhead, on the same machine, in the same unit and with the same lines
 * on the console. It needs an edu at the address below, the modules that /modules/order names, and of
 * the command line huge pages: two of 2 MiB and one of 1 GiB.
 *
 * Every system call is checked. A failure prints a line `failed: ...`, the end of a run that went well
 * is `complete`; either switches the machine off.
 */
#include "init.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "system.h"
#include "vfio.h"

#define DEVICE "0000:01:00.0"
#define DEVICE_PATH "/sys/bus/pci/devices/" DEVICE "/"
#define EDU_VENDOR "0x1234"
#define EDU_DEVICE "0x11e8"
#define GROUP_FOLDER "/dev/vfio/"
#define MODULE_FOLDER "/modules/"
#define NAME_BYTES 64
#define LINE_BYTES 256
#define FIELD_BYTES 65 /* of what uname gives */
#define REPETITIONS REPETITIONS_LIMIT

static void load_modules(void)
{
    char order[PATH_BYTES * 16], path[PATH_BYTES];
    const char *name = order;

    system_read_file(MODULE_FOLDER "order", order, sizeof(order));
    while (*name != '\0') {
        size_t length = strcspn(name, "\n");

        (void)snprintf(path, sizeof(path), MODULE_FOLDER "%.*s", (int)length, name);
        system_load_module(path);
        name += length + strspn(name + length, "\n");
    }
}

static void expect_text(const char *path, const char *expected)
{
    char text[LINE_BYTES];

    system_read_file(path, text, sizeof(text));
    if (strcmp(text, expected) != 0) {
        printf("failed: %s is %s, not %s\n", path, text, expected);
        system_off();
    }
}

/* vfio-pci takes the device, which has no driver; its group must be all that it is isolated with. */
static void bind_device(struct subject *subject)
{
    struct vfio_group_status status = { .size = sizeof(status) };
    char name[NAME_BYTES], path[PATH_BYTES];

    expect_text(DEVICE_PATH "vendor", EDU_VENDOR);
    expect_text(DEVICE_PATH "device", EDU_DEVICE);
    system_write_file(DEVICE_PATH "driver_override", "vfio-pci");
    system_write_file("/sys/bus/pci/drivers_probe", DEVICE);
    system_link_name(DEVICE_PATH "driver", name, sizeof(name));
    if (strcmp(name, "vfio-pci") != 0)
        system_fail("another driver than vfio-pci has the device");
    /* "DMA-FQ" would be the mode in which unmaps of drivers do not wait for invalidation. */
    expect_text(DEVICE_PATH "iommu_group/type", "DMA");

    system_link_name(DEVICE_PATH "iommu_group", name, sizeof(name));
    (void)snprintf(path, sizeof(path), GROUP_FOLDER "%s", name);
    subject->group = system_open(path, SYSTEM_READ_WRITE);
    system_ioctl("status of the group", subject->group, VFIO_GROUP_GET_STATUS,
                 system_address(&status));
    if (!(status.flags & VFIO_GROUP_VIABLE))
        system_fail("the group is not viable");
    subject->container = system_open(GROUP_FOLDER "vfio", SYSTEM_READ_WRITE);
    if (system_ioctl("version", subject->container, VFIO_GET_API_VERSION, 0) != VFIO_API_VERSION)
        system_fail("another version of VFIO");
    if (system_ioctl("extension", subject->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1V2_IOMMU) !=
        1)
        system_fail("no type1");
}

/* From here on each counted call stands between two writes to a register of the device. */
static void open_device(const struct subject *subject)
{
    struct vfio_region_info region = { .size = sizeof(region), .index = 0 };
    uint64_t device = system_ioctl("the device's file", subject->group, VFIO_GROUP_GET_DEVICE_FD,
                                   system_address(DEVICE));

    system_ioctl("the device's registers", device, VFIO_DEVICE_GET_REGION_INFO,
                 system_address(&region));
    rows_mark_with(
        system_must("mapping the device's registers",
                    system_call(SYSTEM_MMAP, 0, region.bytes, SYSTEM_PROT_READ | SYSTEM_PROT_WRITE,
                                SYSTEM_MAP_SHARED, device, region.offset)));
}

void bench_sample(struct row *row, enum system_call_number number, uint64_t a0, uint64_t a1,
                  uint64_t a2)
{
    row_before(row);
    struct timed_result result = timed_system_call(number, a0, a1, a2);

    row_after(row);
    system_must(row->name, result.status);
    row_add(row, result.ticks);
}

static void bench_entry(const struct subject *subject)
{
    static struct row call, request;

    row_begin(&call, "getppid");
    row_begin(&request, "ioctl");
    for (unsigned int i = 0; i < REPETITIONS; i++) {
        bench_sample(&call, SYSTEM_GETPPID, 0, 0, 0);
        bench_sample(&request, SYSTEM_IOCTL, subject->container, VFIO_GET_API_VERSION, 0);
    }
    row_print(&call);
    row_print(&request);
}

/* The group comes into the container, gets an address space there, and leaves it. */
static void bench_attach(const struct subject *subject)
{
    static struct row claim, attach, release;

    row_begin(&claim, "claim");
    row_begin(&attach, "attach");
    row_begin(&release, "release");
    for (unsigned int i = 0; i < REPETITIONS; i++) {
        bench_sample(&claim, SYSTEM_IOCTL, subject->group, VFIO_GROUP_SET_CONTAINER,
                     system_address(&subject->container));
        bench_sample(&attach, SYSTEM_IOCTL, subject->container, VFIO_SET_IOMMU, VFIO_TYPE1V2_IOMMU);
        bench_sample(&release, SYSTEM_IOCTL, subject->group, VFIO_GROUP_UNSET_CONTAINER, 0);
    }
    row_print(&claim);
    row_print(&attach);
    row_print(&release);
    system_ioctl("claim", subject->group, VFIO_GROUP_SET_CONTAINER,
                 system_address(&subject->container));
    system_ioctl("attach", subject->container, VFIO_SET_IOMMU, VFIO_TYPE1V2_IOMMU);
}

int main(void)
{
    static char buffer[LINE_BYTES];
    struct subject subject = { 0 };
    char names[6][FIELD_BYTES];

    (void)setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
    printf("value name=boot value=%" PRIu64 "\n", system_first_count());
    system_must("uname", system_call(SYSTEM_UNAME, system_address(names), 0, 0, 0, 0, 0));
    printf("kernel %s %s\n", names[2], names[3]);
    rows_calibrate();
    system_mount("devtmpfs", "/dev");
    system_mount("sysfs", "/sys");
    load_modules();
    bind_device(&subject);
    bench_entry(&subject);
    bench_attach(&subject);
    open_device(&subject);
    bench_memory(&subject);
    printf("complete\n");
    return 0;
}
