# SPDX-License-Identifier: Apache-2.0
# The tool of make check with a hypervisor that has a defect (defect.c). Included by the Makefile.

DEFECT_SOURCE := tests/system/check/defect.c
DEFECT_WRAPS := partition_resolve device_park smmuv3_stream_set smmuv3_issue pagetable_map message_map message_unmap
HOST_C_SOURCES += $(DEFECT_SOURCE)

$(IMAGE_DIR)/check-defect: $(IMAGE_DIR)/check $(DEFECT_SOURCE:%.c=$(HOST_DIR)/%.o)
	$(Q)$(HOSTCC) -no-pie $(HOST_SANITIZE) $(DEFECT_WRAPS:%=-Wl,--wrap=%) -Wl,-T,linker/host.ld -o $@ \
	    $(CHECK_OBJECTS) $(filter %/defect.o,$^) $(LIBFDT_HOST)
