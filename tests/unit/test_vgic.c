/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual interrupt controller (arch/arm64/vdev) on a CPU interface made of data: what a guest
 * takes, ends and reads, in order and number. Random walks against an oracle: test_vgic_random.c. */
#include <string.h>

#include "arch/arm64/vdev/vgic.h"
#include "groups.h"
#include "unit.h"
#include "vgic_guest.h"

#define LINE 38 /* a physical line ... */
#define SPI 40  /* ... and what stands for it */

/* Two list registers, everything enabled at one priority. */
static void plain(void)
{
    vgic_guest_start(2, true);
    vgic_guest_open();
}

static void each_interrupt_comes_once_in_the_order_of_priorities(void)
{
    for (unsigned int registers = 1; registers <= VGIC_LIST_REGISTERS; registers++) {
        vgic_guest_start(registers, true);
        vgic_guest_open();
        for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++)
            write_priority(i, (uint8_t)((i * 37 % 31) << 3));
        for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++) {
            if (i != INTERRUPT_VIRTUAL_TIMER)
                raise_one(i);
        }
        uint32_t last = 0, count = 0;

        for (uint32_t taken = acknowledge(); taken != VIRTUAL_CPU_SPURIOUS; taken = acknowledge()) {
            assert_true(vgic.priority[taken] >= last);
            last = vgic.priority[taken];
            count++;
            end(taken);
        }
        assert_int_equal(count, VGIC_INTERRUPTS - 1);
        assert_int_equal(read_bank(ISPENDR, 0) | read_bank(ISPENDR, 1) | read_bank(ISPENDR, 2), 0);
    }
}

static void an_urgent_interrupt_does_not_wait_behind_others_that_fill_the_list_registers(void)
{
    plain();
    for (uint32_t i = 50; i < 60; i++)
        raise_one(i);
    write_priority(77, 0x08);
    raise_one(77);
    assert_int_equal(acknowledge(), 77);
}

static void nested_interrupts_beyond_the_list_registers_are_ended_by_their_count(void)
{
    plain();
    for (uint32_t i = 0; i < 12; i++) {
        write_priority(60 + i, (uint8_t)((20 - i) << 3));
        raise_one(60 + i);
        assert_int_equal(acknowledge(), 60 + i);
    }
    for (uint32_t i = 12; i-- > 0;) {
        assert_int_equal(read_bank(ISACTIVER, 1) | read_bank(ISACTIVER, 2),
                         ((2u << i) - 1) << 28 | ((2u << i) - 1) >> 4);
        end(60 + i);
    }
    assert_int_equal(read_bank(ISACTIVER, 1) | read_bank(ISACTIVER, 2), 0);
}

/* In two list registers: those that the program itself made active are more urgent than all that it takes. */
static void nest_beside_active_ones(uint32_t step, uint32_t depth)
{
    for (uint32_t i = 0; i < 4; i++)
        write_priority(50 + i, 0x08);
    write_bank(ISACTIVER, 1, 0xFu << 18);
    write_priority(90, 0xF8);
    for (uint32_t i = 0; i < depth; i++) {
        write_priority(64 + i, (uint8_t)(0xF8 - i * step));
        raise_one(64 + i);
        assert_int_equal(acknowledge(), 64 + i);
        raise_one(90); /* so that something waits */
    }
    for (uint32_t i = depth; i-- > 0;) {
        end(64 + i);
        assert_int_equal(read_bank(ISACTIVER, 2), (1u << i) - 1);
        assert_int_equal(read_bank(ISACTIVER, 1), 0xFu << 18);
    }
}

static void a_counted_end_is_that_of_an_interrupt_that_was_taken(void)
{
    plain();
    nest_beside_active_ones(0x08, 20);
}

static void a_counted_end_is_found_by_the_part_of_the_priority_that_preempts(void)
{
    for (uint32_t common = 0; common < 2; common++) {
        plain();
        virtual_cpu.binary_point = 5;
        virtual_cpu.common = common;
        nest_beside_active_ones(0x20, 7);
    }
}

static void a_counted_end_is_found_on_a_cpu_with_more_active_priorities(void)
{
    for (unsigned int bits = 6; bits <= 7; bits++) {
        virtual_cpu_reset(2, true);
        virtual_cpu.preemption_bits = bits;
        vgic_start(&vgic);
        vgic_guest_open();
        nest_beside_active_ones(0x08, 20);
    }
}

/* Priority drop and deactivation are apart, the latter does not trap, and there is one list register. */
static void a_counted_deactivation_is_of_an_interrupt_whose_priority_was_dropped(void)
{
    vgic_guest_start(1, false);
    vgic_guest_open();
    virtual_cpu.split = true;
    for (uint32_t i = 0; i < 3; i++) {
        write_priority(60 + i, (uint8_t)(0x80 - i * 8));
        raise_one(60 + i);
        assert_int_equal(acknowledge(), 60 + i);
        if (i == 0)
            end(60);
    }
    deactivate(60);
    assert_false(is_active(60));
    assert_true(is_active(61) && is_active(62));
}

static void interrupts_are_deactivated_in_any_order_where_that_is_split_from_the_end(void)
{
    plain();
    virtual_cpu.split = true;
    for (uint32_t i = 60; i < 72; i++) {
        raise_one(i);
        assert_int_equal(acknowledge(), i);
        end(i);
    }
    for (uint32_t i = 0; i < 12; i++) {
        uint32_t interrupt = 60 + i * 5 % 12;

        assert_true(is_active(interrupt));
        deactivate(interrupt);
        assert_false(is_active(interrupt));
    }
    for (uint32_t i = 60; i < 72; i++)
        assert_false(is_active(i));
}

static void where_deactivation_does_not_trap_all_interrupts_come_all_the_same(void)
{
    uint32_t count = 0;

    vgic_guest_start(4, false);
    vgic_guest_open();
    virtual_cpu.split = true;
    for (uint32_t i = 40; i < 60; i++)
        raise_one(i);
    for (uint32_t round = 0; round < 40; round++) {
        uint32_t taken[8], n = 0;

        for (n = 0; n < ARRAY_LENGTH(taken); n++) {
            taken[n] = acknowledge();
            if (taken[n] == VIRTUAL_CPU_SPURIOUS)
                break;
            end(taken[n]);
        }
        count += n;
        while (n-- > 0) {
            deactivate(taken[n]);
            assert_false(is_active(taken[n]));
            for (uint32_t i = 0; i < n; i++)
                assert_true(is_active(taken[i]));
        }
    }
    assert_int_equal(count, 20);
}

static void an_interrupt_that_comes_while_it_is_active_comes_once_more(void)
{
    plain();
    for (uint32_t crowd = 0; crowd <= 6; crowd++) {
        write_priority(32, 0x10);
        raise_one(32);
        assert_int_equal(acknowledge(), 32);
        for (uint32_t i = 0; i < crowd; i++)
            raise_one(50 + i);
        raise_one(32);
        raise_one(32);
        assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
        end(32);
        assert_int_equal(acknowledge(), 32);
        end(32);
        for (uint32_t i = 0; i < crowd; i++) {
            uint32_t taken = acknowledge();

            assert_in_range(taken, 50, 50 + crowd - 1);
            end(taken);
        }
        assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    }
}

/* ---- Lines ----------------------------------------------------------------------------------- */

static void a_line_comes_again_until_it_is_low(void)
{
    plain();
    assert_true(vgic_route(&vgic, SPI, LINE));
    set_level(LINE, true);
    for (unsigned int i = 0; i < 5; i++) {
        assert_int_equal(acknowledge(), SPI);
        assert_true(virtual_cpu.active[LINE]);
        assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
        if (i == 4)
            set_level(LINE, false);
        end(SPI);
    }
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    assert_false(virtual_cpu.active[LINE]);
}

static void a_line_that_is_off_for_the_guest_is_off_in_the_machine(void)
{
    plain();
    write_bank(ICENABLER, 1, 1u << (SPI - 32));
    assert_true(vgic_route(&vgic, SPI, LINE));
    assert_false(virtual_cpu.enabled[LINE]);
    set_level(LINE, true);
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    assert_int_equal(read_bank(ISPENDR, 1), 1u << (SPI - 32));
    write_bank(ISENABLER, 1, 1u << (SPI - 32));
    assert_true(virtual_cpu.enabled[LINE]);
    assert_int_equal(acknowledge(), SPI);
    write_bank(ICENABLER, 1, 1u << (SPI - 32));
    assert_false(virtual_cpu.enabled[LINE]);
}

static void a_pending_line_that_is_cleared_comes_again_only_if_it_is_high(void)
{
    plain();
    assert_true(vgic_route(&vgic, SPI, LINE));
    set_level(LINE, true);
    write_bank(ICPENDR, 1, UINT32_MAX);
    settle();
    assert_int_equal(acknowledge(), SPI);
    end(SPI);
    virtual_cpu.level[LINE] = false; /* it is pending once more by now */
    write_bank(ICPENDR, 1, UINT32_MAX);
    settle();
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    assert_false(virtual_cpu.active[LINE]);
}

static void a_line_that_is_set_pending_or_active_by_the_guest_behaves_like_one_that_came(void)
{
    plain();
    assert_true(vgic_route(&vgic, SPI, LINE));
    write_bank(ISPENDR, 1, 1u << (SPI - 32));
    settle();
    assert_int_equal(acknowledge(), SPI);
    end(SPI);
    write_bank(ISACTIVER, 1, 1u << (SPI - 32));
    set_level(LINE, true);
    assert_true(is_active(SPI));
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    write_bank(ICACTIVER, 1, 1u << (SPI - 32));
    settle();
    assert_int_equal(acknowledge(), SPI);
}

static void nothing_of_a_line_is_left_once_it_is_taken_back(void)
{
    for (unsigned int crowd = 0; crowd < 4; crowd++) {
        for (unsigned int state = 0; state < 3; state++) {
            plain();
            assert_true(vgic_route(&vgic, SPI, LINE));
            for (uint32_t i = 0; i < crowd; i++)
                raise_one(50 + i);
            write_priority(SPI, 0x20);
            if (state != 0)
                set_level(LINE, true);
            if (state == 2)
                assert_int_equal(acknowledge(), SPI);
            assert_true(vgic_unroute(&vgic, LINE));
            assert_false(virtual_cpu.enabled[LINE]);
            assert_false(virtual_cpu.active[LINE]);
            assert_false(virtual_cpu.latched[LINE]);
            settle();
            assert_false(is_active(SPI));
            assert_int_equal(read_bank(ISPENDR, 1) & (1u << (SPI - 32)), 0);
            write_bank(ISENABLER, 1, UINT32_MAX);
            settle();
            assert_false(virtual_cpu.enabled[LINE]);
            assert_int_not_equal(acknowledge(), SPI);
            assert_false(vgic_line(&vgic, LINE));
            assert_true(vgic_route(&vgic, SPI, LINE));
        }
    }
}

static void a_line_stands_for_one_shared_interrupt(void)
{
    plain();
    assert_false(vgic_route(&vgic, 31, LINE));
    assert_false(vgic_route(&vgic, VGIC_INTERRUPTS, LINE));
    assert_true(vgic_route(&vgic, SPI, LINE));
    assert_false(vgic_route(&vgic, SPI, LINE + 1));
    assert_true(vgic_unroute(&vgic, LINE + 1));
    assert_true(vgic_line(&vgic, LINE));
}

static void a_line_that_is_not_masked_in_time_is_told_of_and_gone_from_the_guest(void)
{
    plain();
    assert_true(vgic_route(&vgic, SPI, LINE));
    set_level(LINE, true);
    virtual_cpu.stuck = true;
    assert_false(vgic_unroute(&vgic, LINE));
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    assert_false(vgic_line(&vgic, LINE));
    assert_false(vgic_route(&vgic, SPI, LINE));
    assert_false(vgic_line(&vgic, LINE));
}

static void a_guest_that_stops_leaves_its_lines_off(void)
{
    plain();
    assert_true(vgic_route(&vgic, SPI, LINE));
    set_level(LINE, true);
    set_level(INTERRUPT_VIRTUAL_TIMER, true);
    assert_int_not_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    vgic_stop(&vgic);
    for (uint32_t line = 0; line < VIRTUAL_CPU_LINES; line++)
        assert_false(virtual_cpu.enabled[line] || virtual_cpu.active[line]);
    assert_int_equal(hardware_empty(), 3);
    assert_int_equal(virtual_cpu.control, 0);
}

static void no_active_priority_outlives_a_life_however_many_the_cpu_has(void)
{
    for (unsigned int bits = 5; bits <= 7; bits++) {
        virtual_cpu_reset(4, true);
        virtual_cpu.preemption_bits = bits;
        memset(virtual_cpu.active_priorities, 0xFF, sizeof(virtual_cpu.active_priorities));
        vgic_start(&vgic);
        for (unsigned int i = 0; i < 1u << (bits - 5); i++)
            assert_int_equal(
                virtual_cpu.active_priorities[0][i] | virtual_cpu.active_priorities[1][i], 0);
        assert_int_equal(virtual_cpu.mistakes, 0);
    }
}

/* ---- Registers ------------------------------------------------------------------------------- */

static void the_controller_says_what_it_has(void)
{
    vgic_guest_start(4, true);
    assert_int_equal(distributor_read(0x0004, 4), 2 | 1 << 10 | 9 << 19 | 1 << 25); /* GICD_TYPER */
    assert_int_equal(distributor_read(0x0000, 4), 0x10); /* GICD_CTLR: ARE_NS */
    assert_int_equal(distributor_read(0xFFE8, 4), 0x30);
    assert_int_equal(redistributor_read(0xFFE8, 4), 0x30);
    assert_int_equal(redistributor_read(0x0008, 8), 0x10); /* GICR_TYPER: the last one */
    assert_int_equal(redistributor_read(0x0014, 4), 6);
    redistributor_write(0x0014, 4, 0);
    assert_int_equal(redistributor_read(0x0014, 4), 0);
    redistributor_write(0x0014, 4, 2);
    assert_int_equal(redistributor_read(0x0014, 4), 6);
}

static void priorities_are_bytes_and_all_else_is_words(void)
{
    vgic_guest_start(4, true);
    distributor_write(0x0400 + 41, 1, 0xFF);
    assert_int_equal(distributor_read(0x0400 + 40, 4), 0xF800);
    assert_int_equal(distributor_read(0x0400 + 40, 2), 0xF800);
    distributor_write(0x0400 + 40, 2, 0x1234);
    assert_int_equal(distributor_read(0x0400 + 40, 4), 0x1030);
    distributor_write(0x0400 + 40, 8, UINT64_MAX);
    distributor_write(0x0400 + 41, 4, UINT32_MAX);
    assert_int_equal(distributor_read(0x0400 + 40, 4), 0x1030);
    distributor_write(0x0400 + 4, 4, UINT32_MAX); /* private: the redistributor's */
    assert_int_equal(distributor_read(0x0400 + 4, 4), 0);
    redistributor_write(0x10404, 4, UINT32_MAX);
    assert_int_equal(redistributor_read(0x10404, 4), 0xF8F8F8F8);
    distributor_write(0x0104, 1, 0xFF);
    distributor_write(0x0104, 2, 0xFFFF);
    distributor_write(0x0104, 8, UINT64_MAX);
    assert_int_equal(distributor_read(0x0104, 4), 0);
    distributor_write(0x0104, 4, 0xFF00);
    assert_int_equal(distributor_read(0x0104, 4), 0xFF00);
    assert_int_equal(distributor_read(0x0104, 1), 0);
}

static void registers_that_do_not_exist_read_as_zero_and_ignore_writes(void)
{
    vgic_guest_start(4, true);
    for (uint64_t offset = 0; offset < 0x10000; offset += 4) {
        bool known = offset == 0 || (offset >= 0x104 && offset < 0x10C) ||
                     (offset >= 0x184 && offset < 0x18C) || (offset >= 0x204 && offset < 0x20C) ||
                     (offset >= 0x284 && offset < 0x28C) || (offset >= 0x304 && offset < 0x30C) ||
                     (offset >= 0x384 && offset < 0x38C) || (offset >= 0x420 && offset < 0x460) ||
                     (offset >= 0xC08 && offset < 0xC18) || (offset >= 0x6100 && offset < 0x6300);

        if (known || offset == 4 || offset == 0xFFE8)
            continue;
        distributor_write(offset, 4, UINT32_MAX);
        assert_int_equal(distributor_read(offset, 4), 0);
    }
    assert_int_equal(virtual_cpu.mistakes, 0);
    assert_int_equal(distributor_read(0, 4), 0x10);
    for (uint32_t i = 0; i < VGIC_INTERRUPTS; i++)
        assert_false(vgic_has(&vgic.enabled, i) || vgic.priority[i] != 0);
    for (uint64_t offset = 0x10000; offset < 0x20000; offset += 4) {
        uint64_t private = offset - 0x10000;
        bool known = (private >= 0x100 && private < 0x400 && private % 0x80 == 0) ||
                     (private >= 0x400 && private < 0x420) || (private >= 0xC00 && private < 0xC08);

        if (known)
            continue;
        redistributor_write(offset, 4, UINT32_MAX);
        assert_int_equal(redistributor_read(offset, 4), 0);
    }
}

static void an_interrupt_that_is_routed_to_no_cpu_of_the_partition_waits(void)
{
    plain();
    distributor_write(0x6000 + 8 * 50, 8, 0xFF80000003); /* Aff3 and 1-of-N do not exist */
    assert_int_equal(distributor_read(0x6000 + 8 * 50, 8), 3);
    assert_int_equal(distributor_read(0x6000 + 8 * 50 + 4, 4), 0);
    raise_one(50);
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    assert_int_equal(read_bank(ISPENDR, 1), 1u << 18);
    distributor_write(0x6000 + 8 * 50, 4, 0);
    settle();
    assert_int_equal(acknowledge(), 50);
}

static void edges_are_kept_for_all_but_sgis(void)
{
    vgic_guest_start(4, true);
    assert_int_equal(redistributor_read(0x10C00, 4), 0xAAAAAAAA);
    redistributor_write(0x10C00, 4, 0);
    assert_int_equal(redistributor_read(0x10C00, 4), 0xAAAAAAAA);
    redistributor_write(0x10C04, 4, 0xFFFFFFF0);
    assert_int_equal(redistributor_read(0x10C04, 4), 0xAAAAAAA0);
    distributor_write(0xC08, 4, 0x0000000B);
    assert_int_equal(distributor_read(0xC08, 4), 0x0000000A);
}

static void nothing_is_forwarded_while_the_distributor_is_off(void)
{
    plain();
    raise_one(33);
    distributor_write(0x0000, 4, 0xFFFFFFFD);
    assert_int_equal(distributor_read(0x0000, 4), 0x10);
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    assert_int_equal(read_bank(ISPENDR, 1), 2);
    raise_one(34);
    assert_int_equal(acknowledge(), VIRTUAL_CPU_SPURIOUS);
    distributor_write(0x0000, 4, 2);
    assert_int_equal(acknowledge(), 33);
    end(33);
    assert_int_equal(acknowledge(), 34);
}

static void a_software_interrupt_comes(void)
{
    plain();
    for (uint32_t i = 0; i < 16; i++) {
        vgic_software(&vgic, i);
        settle();
        assert_int_equal(acknowledge(), i);
        end(i);
    }
}

int run_vgic_tests(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_interrupt_comes_once_in_the_order_of_priorities),
        TEST(an_urgent_interrupt_does_not_wait_behind_others_that_fill_the_list_registers),
        TEST(nested_interrupts_beyond_the_list_registers_are_ended_by_their_count),
        TEST(a_counted_end_is_that_of_an_interrupt_that_was_taken),
        TEST(a_counted_end_is_found_by_the_part_of_the_priority_that_preempts),
        TEST(a_counted_end_is_found_on_a_cpu_with_more_active_priorities),
        TEST(a_counted_deactivation_is_of_an_interrupt_whose_priority_was_dropped),
        TEST(interrupts_are_deactivated_in_any_order_where_that_is_split_from_the_end),
        TEST(where_deactivation_does_not_trap_all_interrupts_come_all_the_same),
        TEST(an_interrupt_that_comes_while_it_is_active_comes_once_more),
        TEST(a_line_comes_again_until_it_is_low),
        TEST(a_line_that_is_off_for_the_guest_is_off_in_the_machine),
        TEST(a_pending_line_that_is_cleared_comes_again_only_if_it_is_high),
        TEST(a_line_that_is_set_pending_or_active_by_the_guest_behaves_like_one_that_came),
        TEST(nothing_of_a_line_is_left_once_it_is_taken_back),
        TEST(a_line_stands_for_one_shared_interrupt),
        TEST(a_line_that_is_not_masked_in_time_is_told_of_and_gone_from_the_guest),
        TEST(a_guest_that_stops_leaves_its_lines_off),
        TEST(no_active_priority_outlives_a_life_however_many_the_cpu_has),
        TEST(the_controller_says_what_it_has),
        TEST(priorities_are_bytes_and_all_else_is_words),
        TEST(registers_that_do_not_exist_read_as_zero_and_ignore_writes),
        TEST(an_interrupt_that_is_routed_to_no_cpu_of_the_partition_waits),
        TEST(edges_are_kept_for_all_but_sgis),
        TEST(nothing_is_forwarded_while_the_distributor_is_off),
        TEST(a_software_interrupt_comes),
    };

    return RUN_GROUP("vgic");
}
