/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the kernel's VFIO interface (type1, groups and containers) that is used here. */
#ifndef BENCH_LINUX_VFIO_H
#define BENCH_LINUX_VFIO_H

#include <stdint.h>

#define VFIO_REQUEST(number) ((uint64_t)';' << 8 | (100 + (number)))

/* To a container. */
#define VFIO_GET_API_VERSION VFIO_REQUEST(0)
#define VFIO_CHECK_EXTENSION VFIO_REQUEST(1)
#define VFIO_SET_IOMMU VFIO_REQUEST(2)
#define VFIO_IOMMU_MAP_DMA VFIO_REQUEST(13)
#define VFIO_IOMMU_UNMAP_DMA VFIO_REQUEST(14)

/* To a group. */
#define VFIO_GROUP_GET_STATUS VFIO_REQUEST(3)
#define VFIO_GROUP_SET_CONTAINER VFIO_REQUEST(4)
#define VFIO_GROUP_UNSET_CONTAINER VFIO_REQUEST(5)
#define VFIO_GROUP_GET_DEVICE_FD VFIO_REQUEST(6)

/* To a device. */
#define VFIO_DEVICE_GET_REGION_INFO VFIO_REQUEST(8)

#define VFIO_API_VERSION 0
#define VFIO_TYPE1V2_IOMMU 3
#define VFIO_GROUP_VIABLE 1 /* every device of it is bound to vfio or to nothing */
#define VFIO_MAP_READ 1
#define VFIO_MAP_WRITE 2

struct vfio_group_status {
    uint32_t size;
    uint32_t flags;
};

struct vfio_region_info {
    uint32_t size;
    uint32_t flags;
    uint32_t index; /* a PCI function's BARs are the first */
    uint32_t capabilities;
    uint64_t bytes;
    uint64_t offset; /* for mmap of the device's file */
};

struct vfio_dma_map {
    uint32_t size;
    uint32_t flags;
    uint64_t address;
    uint64_t iova;
    uint64_t bytes;
};

struct vfio_dma_unmap {
    uint32_t size;
    uint32_t flags;
    uint64_t iova;
    uint64_t bytes; /* comes back as what was unmapped */
};

#endif
