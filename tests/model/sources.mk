# SPDX-License-Identifier: Apache-2.0
# The reference models and their own tests. MODEL_TEST_SOURCES, MODEL_SOURCES and -lcmocka make one
# program that runs all tests of the models.
MODEL_SOURCES := \
    tests/model/devices/bus.c \
    tests/model/devices/device.c \
    tests/model/its/its_commands.c \
    tests/model/its/its_lpi.c \
    tests/model/its/its_model.c \
    tests/model/its/its_registers.c \
    tests/model/its/its_tables.c \
    tests/model/smmuv3/atc_reach.c \
    tests/model/smmuv3/ats.c \
    tests/model/smmuv3/cd.c \
    tests/model/smmuv3/cd_table.c \
    tests/model/smmuv3/choice.c \
    tests/model/smmuv3/command_effect.c \
    tests/model/smmuv3/command_format.c \
    tests/model/smmuv3/commands.c \
    tests/model/smmuv3/config_cache.c \
    tests/model/smmuv3/dma.c \
    tests/model/smmuv3/enable.c \
    tests/model/smmuv3/endpoint.c \
    tests/model/smmuv3/events.c \
    tests/model/smmuv3/gerror.c \
    tests/model/smmuv3/httu.c \
    tests/model/smmuv3/index.c \
    tests/model/smmuv3/model.c \
    tests/model/smmuv3/parameters.c \
    tests/model/smmuv3/priq.c \
    tests/model/smmuv3/queue.c \
    tests/model/smmuv3/reach.c \
    tests/model/smmuv3/reach_config.c \
    tests/model/smmuv3/reach_stage1.c \
    tests/model/smmuv3/reach_stage2.c \
    tests/model/smmuv3/register_values.c \
    tests/model/smmuv3/registers.c \
    tests/model/smmuv3/stage1.c \
    tests/model/smmuv3/stage2.c \
    tests/model/smmuv3/stall.c \
    tests/model/smmuv3/ste.c \
    tests/model/smmuv3/stream_table.c \
    tests/model/smmuv3/substream.c \
    tests/model/smmuv3/tables.c \
    tests/model/smmuv3/tlb.c \
    tests/model/smmuv3/trace.c \
    tests/model/smmuv3/translate.c

MODEL_TEST_SOURCES := \
    tests/model/devices/fixture_devices.c \
    tests/model/devices/test_devices.c \
    tests/model/devices/test_devices_pri.c \
    tests/model/devices/test_races.c \
    tests/model/its/fixture_its.c \
    tests/model/its/test_its_commands.c \
    tests/model/its/test_its_lpis.c \
    tests/model/its/test_its_registers.c \
    tests/model/its/test_its_tables.c \
    tests/model/smmuv3/fixture.c \
    tests/model/smmuv3/fixture_pcie.c \
    tests/model/smmuv3/fixture_stage1.c \
    tests/model/smmuv3/test_ages.c \
    tests/model/smmuv3/test_ats.c \
    tests/model/smmuv3/test_caches.c \
    tests/model/smmuv3/test_cd.c \
    tests/model/smmuv3/test_choice.c \
    tests/model/smmuv3/test_commands.c \
    tests/model/smmuv3/test_events.c \
    tests/model/smmuv3/test_httu.c \
    tests/model/smmuv3/test_late.c \
    tests/model/smmuv3/test_main.c \
    tests/model/smmuv3/test_nested.c \
    tests/model/smmuv3/test_permissions.c \
    tests/model/smmuv3/test_priq.c \
    tests/model/smmuv3/test_ranges.c \
    tests/model/smmuv3/test_random.c \
    tests/model/smmuv3/test_reach.c \
    tests/model/smmuv3/test_reach_stage1.c \
    tests/model/smmuv3/test_registers.c \
    tests/model/smmuv3/test_stage1.c \
    tests/model/smmuv3/test_stage2.c \
    tests/model/smmuv3/test_stall.c \
    tests/model/smmuv3/test_ste.c \
    tests/model/smmuv3/test_stream_table.c \
    tests/model/smmuv3/test_substream.c \
    tests/model/smmuv3/test_tags.c \
    tests/model/smmuv3/test_tlb.c \
    tests/model/smmuv3/test_variants.c

MODEL_CPPFLAGS := -Itests/model/smmuv3 -Itests/model/devices -Itests/model/its
