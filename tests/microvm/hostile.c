/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without a kernel, which does to its monitor what it can: loaded as one, it runs in
 * ring 0 from its entry (docs: boot.rst, "64-bit Boot Protocol"). attack=NAME on the command
 * line says what; it names itself on the serial port, and powers off when it is done, if it
 * comes to that. Each fault of its own it survives: every vector leads back to what follows.
 *
 *	ports     every port, in and out, of each width, and whole pages of bytes
 *	memory    each page of the holes below 4 GiB and what is above RAM, of each width
 *	msr       model-specific registers, read and written
 *	processor cpuid, hypercalls, virtualization, and what else is not for guests
 *	int       software interrupts            apic      the local APIC's, to this processor
 *	config    the configuration space of each device, its BAR over RAM and over others
 *	devices   registers of the virtio devices, their rings full of nonsense, and notifications
 *	rings     rings that are right but for one thing: an address, a length, a loop, an index
 *	serial    16 KiB to the serial port, without an end of line
 *	ram       all of the memory is written
 *	random    the random number device gives all it can
 *	fetch     executes where there is no memory        tables    page tables in a BAR
 *	halt      stands still with interrupts off         spin      never stands still
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;

enum {
	SERIAL = 0x3f8,
	SLEEP = 0x600,
	POWER_OFF = 0x34,
	RESET = 0x64,
	STEP = 61, /* of ports; each exit takes long where KVM is nested */
	COUNT = 100,
};

#define PAGE     4096ull
#define BARS     0xc0000000ull
#define BAR_SIZE 0x10000ull
#define ECAM     0xd0000000ull
#define LAPIC    0xfee00000ull
#define RAM      0x2000000ull /* ours, above what is loaded */
#define RAM_END  0x4000000ull /* boot -m 64 */
#define SOME     0x40000ull

/* Where a fault or an interrupt leads, with which stack; all else is as it was. */
static u64 landing[2] __attribute__((used));

/* An instruction that may fault: then it goes on behind it. */
#define GUARDED(instruction)                                \
	"lea 1f(%%rip), %%r11; mov %%r11, landing(%%rip); " \
	"mov %%rsp, landing + 8(%%rip); " instruction "; 1:"
#define DO(instruction, ...) __asm__ volatile(GUARDED(instruction) __VA_ARGS__)
#define LOST                 "r11", "memory", "cc"

/* --- instructions --------------------------------------------------------------------------- */

#define WIDTH(width, type)                                          \
	static inline void out##width(uint16_t port, type value)    \
	{                                                           \
		DO("out %0, %1", : : "a"(value), "d"(port) : LOST); \
	}                                                           \
	static inline type in##width(uint16_t port)                 \
	{                                                           \
		type value;                                         \
		DO("in %1, %0", : "=a"(value) : "d"(port) : LOST);  \
		return value;                                       \
	}                                                           \
	static inline type read##width(u64 at)                      \
	{                                                           \
		type value = 0;                                     \
		DO("mov (%1), %0", : "+r"(value) : "r"(at) : LOST); \
		return value;                                       \
	}                                                           \
	static inline void write##width(u64 at, type value)         \
	{                                                           \
		DO("mov %1, (%0)", : : "r"(at), "r"(value) : LOST); \
	}

WIDTH(8, uint8_t)
WIDTH(16, uint16_t)
WIDTH(32, uint32_t)

static inline void write64(u64 at, u64 value)
{
	DO("mov %1, (%0)", : : "r"(at), "r"(value) : LOST);
}

static inline u64 read64(u64 at)
{
	u64 value = 0;

	DO("mov (%1), %0", : "+r"(value) : "r"(at) : LOST);
	return value;
}

static void out_bytes(uint16_t port, u64 from, u64 count)
{
	DO("rep outsb", : "+S"(from), "+c"(count) : "d"(port) : LOST);
}

static void in_words(uint16_t port, u64 to, u64 count)
{
	DO("rep insl", : "+D"(to), "+c"(count) : "d"(port) : LOST);
}

static void fill(u64 from, u64 count, u64 value)
{
	DO("rep stosq", : "+D"(from), "+c"(count) : "a"(value) : LOST);
}

static u64 random(void)
{
	static u64 x = 0x9e3779b97f4a7c15ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void say(const char *text)
{
	while (*text)
		out8(SERIAL, (uint8_t)*text++);
}

/* --- faults --------------------------------------------------------------------------------- */

/* What the processor has pushed is left behind. */
__asm__(".text\n"
        "trap:\n"
        "	cld\n"
        "	mov landing + 8(%rip), %rsp\n"
        "	jmp *landing(%rip)\n");
extern const char trap[];

static struct gate {
	uint16_t low, selector, flags, middle;
	uint32_t high, reserved;
} gates[256];

static void catch_faults(void)
{
	u64 at = (u64)trap;
	struct __attribute__((packed)) {
		uint16_t limit;
		u64 base;
	} table = { sizeof(gates) - 1, (u64)gates };

	for (int i = 0; i < 256; i++)
		gates[i] = (struct gate){ (uint16_t)at,         0x10, 0x8e00, (uint16_t)(at >> 16),
			                  (uint32_t)(at >> 32), 0 };
	__asm__ volatile("lidt %0" : : "m"(table));
}

/* --- the processor -------------------------------------------------------------------------- */

static void ports(void)
{
	for (uint32_t port = 0; port < 0x10000; port += STEP) {
		uint16_t p = (uint16_t)port;

		in8(p);
		in16(p);
		in32(p);
		if (p == SLEEP || p == RESET) /* what ends us */
			continue;
		out8(p, 0xff);
		out16(p, 0xffff);
		out32(p, 0xffffffff);
	}
	/* those next to what the monitor knows, and whole pages at once */
	for (unsigned int p = SERIAL - 4; p < SERIAL + 12; p++) {
		out_bytes((uint16_t)p, RAM, COUNT);
		in_words((uint16_t)p, RAM, COUNT);
	}
	for (unsigned int p = 0xcf0; p < 0xd08; p++)
		in_words((uint16_t)p, RAM + PAGE - 2, COUNT);
	out_bytes(SLEEP, RAM, COUNT); /* zeros are no order to sleep */
}

static void touch(u64 at)
{
	read8(at);
	read16(at);
	read32(at + 1);
	read64(at + PAGE - 4); /* two pages */
	write8(at, 1);
	write16(at + PAGE - 1, 0xffff);
	write32(at + 2, 0xffffffff);
	write64(at + 4, ~0ull);
	DO("lock incq (%0)", : : "r"(at) : LOST);
	fill(at, 20, 5);
}

static void memory(void)
{
	for (u64 at = RAM_END; at < RAM_END + 100 * PAGE; at += 7 * PAGE)
		touch(at);
	for (u64 at = BARS; at < 0x100000000ull; at += 997 * PAGE)
		touch(at);
	touch(ECAM - PAGE);
	touch(ECAM + 0x100000 - PAGE);
	touch(LAPIC - PAGE);
	touch(0xfffff000ull);
}

static u64 rdmsr(uint32_t number)
{
	uint32_t low = 0, high = 0;

	DO("rdmsr", : "+a"(low), "+d"(high) : "c"(number) : LOST);
	return (u64)high << 32 | low;
}

static void wrmsr(uint32_t number, u64 value)
{
	DO("wrmsr", : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : LOST);
}

/* The ones that we stand on: EFER, and where the local APIC is. */
static void try_msr(uint32_t number)
{
	rdmsr(number);
	if (number == 0xc0000080 || number == 0x1b)
		return;
	wrmsr(number, 0);
	wrmsr(number, ~0ull);
	wrmsr(number, RAM | 1);
	wrmsr(number, random());
}

static void msr(void)
{
	for (uint32_t n = 0; n < 0x2000; n += n < 0x900 ? 1 : 7)
		try_msr(n);
	for (uint32_t n = 0; n < 0x120; n++) {
		try_msr(0xc0000000 + n);
		try_msr(0xc0010000 + n);
		try_msr(0x40000000 + n);
	}
	for (uint32_t n = 0; n < 0x20; n++) /* KVM's own */
		try_msr(0x4b564d00 + n);
}

static void processor(void)
{
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t a = i, b, c = i, d;

		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		a = 0x40000000 + i;
		__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
		DO("vmcall", : : "a"(i), "b"(~0ull), "c"(~0ull) : LOST);
		DO("vmmcall", : : "a"(i), "b"(RAM), "c"(1) : LOST);
	}
	DO("mov %0, %%cr4", : : "r"(0x2020ull) : LOST); /* VMXE */
	DO("vmxon (%0)", : : "r"(RAM) : LOST);
	DO("vmptrld (%0)", : : "r"(RAM) : LOST);
	DO("vmlaunch", : : : LOST);
	wrmsr(0xc0000080, rdmsr(0xc0000080) | 0x1000); /* SVME */
	DO("vmrun", : : "a"(RAM) : LOST);
	DO("vmload", : : "a"(RAM) : LOST);
	DO("invd", : : : LOST);
	DO("monitor", : : "a"(RAM), "c"(0), "d"(0) : LOST);
	DO("rdpmc", : : "c"(0) : "rax", "rdx", LOST);
	DO("xsetbv", : : "c"(0), "a"(~0u), "d"(~0u) : LOST);
	DO("mov %0, %%dr7", : : "r"(0x400ull) : LOST);
}

/* What comes of it comes in the pauses. */
static void command(uint32_t to, uint32_t how)
{
	write32(LAPIC + 0x310, to);
	DO("mov %1, (%0); pause; pause; pause; pause; cpuid",
	   :
	   : "r"(LAPIC + 0x300), "r"(how)
	   : "rax", "rbx", "rcx", "rdx", LOST);
}

#define INT(n) DO("int %0", : : "i"(n) : LOST)

static void interrupts(void)
{
	for (int i = 0; i < 200; i++) {
		INT(0);
		INT(1);
		INT(2);
		INT(8);
		INT(13);
		INT(14);
		INT(32);
		INT(128);
		INT(255);
	}
}

static void apic(void)
{
	write32(LAPIC + 0xf0, 0x1ff);
	for (uint32_t i = 0; i < 1000; i++) { /* fixed, lowest, NMI, and so on */
		uint32_t how = 0x4000 | (uint32_t)(random() % 0x400);

		if ((how & 0x700) == 0x500) /* INIT would be the end */
			continue;
		command((uint32_t)random(), how | 0x40000); /* to itself */
		command((uint32_t)random(), how | 0xc0000); /* to the others, who are none */
		command((uint32_t)random(), how);           /* to whom it may be */
		DO("sti; nop; nop; cli", : : : LOST);
	}
	for (u64 at = LAPIC; at < LAPIC + 0x400; at += 16)
		write32(at, (uint32_t)random());
	for (u64 at = 0xfec00000ull; at < 0xfec00100ull; at += 4)
		write32(at, (uint32_t)random());
}

/* --- devices -------------------------------------------------------------------------------- */

enum { DEVICES = 32, RNG = 0x1044 };

static u64 function(unsigned int slot)
{
	return ECAM + (u64)slot * 0x8000;
}

/* Where slot's BAR is now; 0: it is no virtio device. */
static u64 open_device(unsigned int slot, unsigned int *id)
{
	u64 config = function(slot), bar = BARS + slot * BAR_SIZE;

	if (read16(config) != 0x1af4)
		return 0;
	*id = read16(config + 2);
	write32(config + 0x10, (uint32_t)bar);
	write16(config + 4, 6);
	return bar;
}

static void config(void)
{
	for (u64 at = ECAM; at < ECAM + 0x100000; at += 2039) {
		write32(at, (uint32_t)random());
		write8(at, 0xff);
	}
	for (unsigned int slot = 0; slot < DEVICES; slot++) {
		static const u64 place[] = { 0,          0x1000000, 0xfee00000,    0xd0000000,
			                     0xffff0000, BARS,      BARS + 0x8000, 0xc0fff000 };

		for (unsigned int i = 0; i < sizeof(place) / sizeof(place[0]); i++) {
			write32(function(slot) + 0x10, 0xffffffff);
			write32(function(slot) + 0x10, (uint32_t)place[i]);
			write16(function(slot) + 4, (uint16_t)(i & 1 ? 7 : 6));
			touch(place[i] == 0 || place[i] == 0x1000000 ? RAM : place[i]);
		}
		for (u64 at = 0; at < 256; at++)
			write8(function(slot) + at, (uint8_t)random());
	}
}

/* Of a queue: 0x16 which, 0x18 size, 0x1c enabled; 0x20, 0x28, 0x30 its parts. */
static void set_queue(u64 bar, unsigned int n, unsigned int size, u64 desc, u64 avail, u64 used)
{
	write16(bar + 0x16, (uint16_t)n);
	write16(bar + 0x18, (uint16_t)size);
	write32(bar + 0x20, (uint32_t)desc);
	write32(bar + 0x24, (uint32_t)(desc >> 32));
	write32(bar + 0x28, (uint32_t)avail);
	write32(bar + 0x2c, (uint32_t)(avail >> 32));
	write32(bar + 0x30, (uint32_t)used);
	write32(bar + 0x34, (uint32_t)(used >> 32));
	write16(bar + 0x1c, 1);
}

static void begin_device(u64 bar)
{
	write8(bar + 0x14, 0);
	write8(bar + 0x14, 3);
	write32(bar + 8, 1);
	write32(bar + 12, 1); /* VIRTIO_F_VERSION_1 */
	write8(bar + 0x14, 11);
}

static void notify(u64 bar, unsigned int n)
{
	write16(bar + 0x3000 + n * 4ull, (uint16_t)n);
}

static u64 place(void)
{
	switch (random() % 8) {
	case 0:
		return random();
	case 1:
		return RAM_END - random() % SOME;
	case 2:
		return BARS + random() % 0x40000;
	case 3:
		return 0x100000000ull - 8;
	default:
		return RAM + random() % SOME;
	}
}

static void devices(void)
{
	unsigned int id;

	for (u64 at = 0; at < SOME; at += 8) { /* small numbers are likelier to mean something */
		u64 value = random() & (random() % 4 ? 0x0003000f0000ffffull : ~0ull);

		write64(RAM + at, value);
		write64(RAM_END - SOME + at, ~value);
	}
	for (unsigned int turn = 0; turn < 10; turn++) {
		for (unsigned int slot = 0; slot < DEVICES; slot++) {
			u64 bar = open_device(slot, &id);

			if (!bar)
				continue;
			begin_device(bar);
			for (unsigned int n = 0; n < 4; n++)
				set_queue(bar, n, 1u << random() % 10, place() & ~15ull,
				          place() & ~1ull, place() & ~3ull);
			write8(bar + 0x14, 15);
			for (unsigned int n = 0; n < 4; n++)
				notify(bar, n);
			for (unsigned int i = 0; i < 30; i++) {
				u64 at = bar + random() % 0x6000;

				write8(at, (uint8_t)random());
				write16(at & ~1ull, (uint16_t)random());
				write32(at & ~3ull, (uint32_t)random());
				write64(at & ~7ull, random());
				read32(at);
			}
		}
	}
}

enum { QUEUE = 8, NEXT = 1, WRITE = 2, INDIRECT = 4 };
#define DESC  RAM
#define LAST  (RAM_END - 16ull * QUEUE)
#define AVAIL (RAM + PAGE)
#define USED  (RAM + 2 * PAGE)
#define DATA  (RAM + 16 * PAGE)

static void descriptor(unsigned int i, u64 addr, uint32_t len, uint16_t flags, uint16_t next)
{
	write64(DESC + i * 16ull, addr);
	write32(DESC + i * 16ull + 8, len);
	write16(DESC + i * 16ull + 12, flags);
	write16(DESC + i * 16ull + 14, next);
}

/* Chain 0, which is whatever was written there; then the device is asked for one more. */
static void offer_from(u64 bar, unsigned int n, u64 desc, uint16_t count)
{
	begin_device(bar);
	set_queue(bar, n, QUEUE, desc, AVAIL, USED);
	write8(bar + 0x14, 15);
	write16(AVAIL + 4, 0);
	write16(AVAIL + 2, count);
	notify(bar, n);
	for (unsigned int i = 0; i < 1000; i++)
		__asm__ volatile("pause");
}

static void offer(u64 bar, unsigned int n, uint16_t count)
{
	offer_from(bar, n, DESC, count);
}

static void rings_of(u64 bar, unsigned int n)
{
	fill(RAM, 16 * PAGE / 8, 0);
	descriptor(0, DATA, 64, NEXT, 0); /* a loop of one */
	offer(bar, n, 1);
	for (unsigned int i = 0; i < QUEUE; i++) /* and of all */
		descriptor(i, DATA, 64, NEXT | (i > QUEUE / 2 ? WRITE : 0),
		           (uint16_t)((i + 1) % QUEUE));
	offer(bar, n, 1);
	descriptor(0, DATA, 64, NEXT,
	           QUEUE); /* one that there is not; the next, and far behind RAM */
	offer(bar, n, 1);
	write32(LAST, (uint32_t)DATA);
	write32(LAST + 4, 0);
	write32(LAST + 8, 64);
	write32(LAST + 12, 0xffff0000 | NEXT);
	offer_from(bar, n, LAST, 1);
	descriptor(0, RAM_END - 32, 64, WRITE, 0); /* over the end */
	offer(bar, n, 1);
	descriptor(0, ~0ull - 8, 64, WRITE, 0);
	offer(bar, n, 1);
	descriptor(0, BARS, 0xffffffff, WRITE, 0);
	offer(bar, n, 1);
	descriptor(0, DATA, 0, WRITE, 0);
	offer(bar, n, 1);
	descriptor(0, DATA, 64, WRITE | NEXT, 1); /* written before read */
	descriptor(1, DATA, 64, 0, 0);
	offer(bar, n, 1);
	descriptor(0, DESC, 16, INDIRECT, 0); /* itself */
	offer(bar, n, 1);
	descriptor(0, DATA, 0xfffffff0, INDIRECT | NEXT, 1);
	offer(bar, n, 1);
	descriptor(0, DESC, 3 * PAGE, WRITE, 0); /* its own rings */
	offer(bar, n, 1);
	offer(bar, n, 0x8000); /* more than there is room for */
	offer(bar, n, 0xffff);
}

static void rings(void)
{
	unsigned int id;

	for (unsigned int slot = 0; slot < DEVICES; slot++) {
		u64 bar = open_device(slot, &id);

		for (unsigned int n = 0; bar && n < 4; n++)
			rings_of(bar, n);
	}
}

/* 256 times as many requests as there is room for, each for 16 KiB. */
static void random_numbers(void)
{
	unsigned int id = 0, slot = 0;
	uint16_t asked = 0;
	u64 bar = 0;

	while (slot < DEVICES && (!(bar = open_device(slot, &id)) || id != RNG))
		slot++;
	if (slot == DEVICES) {
		say("no such device\n");
		return;
	}
	fill(RAM, 16 * PAGE / 8, 0);
	for (unsigned int i = 0; i < QUEUE; i++) {
		descriptor(i, DATA, 4 * PAGE, WRITE, 0);
		write16(AVAIL + 4 + i * 2ull, (uint16_t)i);
	}
	begin_device(bar);
	set_queue(bar, 0, QUEUE, DESC, AVAIL, USED);
	write8(bar + 0x14, 15);
	for (unsigned int turn = 0; turn < 256; turn++) {
		asked = (uint16_t)(asked + QUEUE);
		write16(AVAIL + 2, asked);
		notify(bar, 0);
		for (u64 i = 0; i < 10000000 && read16(USED + 2) != asked; i++)
			__asm__ volatile("pause");
	}
	say(read16(USED + 2) == asked ? "it gave all\n" : "it stands still\n");
}

/* --- and without end ------------------------------------------------------------------------ */

static void serial(void)
{
	fill(RAM, PAGE / 8, 0x4141414141414141ull);
	for (int i = 0; i < 4; i++)
		out_bytes(SERIAL, RAM, PAGE);
}

static void ram(void)
{
	fill(RAM, (RAM_END - RAM) / 8, 0x5555);
}

static void fetch(void)
{
	DO("call *%0", : : "r"(BARS + 0x100000) : LOST);
}

static void tables(void)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(BARS) : "memory");
}

static void halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void spin(void)
{
	for (;;)
		__asm__ volatile("pause");
}

/* --- the beginning -------------------------------------------------------------------------- */

static const struct attack {
	const char *name;
	void (*run)(void);
} attacks[] = {
	{ "ports", ports },     { "memory", memory },
	{ "msr", msr },         { "processor", processor },
	{ "int", interrupts },  { "apic", apic },
	{ "config", config },   { "rings", rings },
	{ "devices", devices }, { "serial", serial },
	{ "ram", ram },         { "fetch", fetch },
	{ "tables", tables },   { "random", random_numbers },
	{ "halt", halt },       { "spin", spin },
};

/* Whether the command line asks for it. */
static bool is_asked(const char *line, const char *name)
{
	static const char option[] = "attack=";

	for (; *line; line++) {
		unsigned int i = 0, j = 0;

		while (option[i] && line[i] == option[i])
			i++;
		while (!option[i] && name[j] && line[i + j] == name[j])
			j++;
		if (!option[i] && !name[j] && (line[i + j] == ' ' || line[i + j] == '\0'))
			return true;
	}
	return false;
}

__attribute__((used)) static void begin(u64 parameters)
{
	const char *line = (const char *)(u64)read32(parameters + 0x228);

	catch_faults();
	for (unsigned int i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		if (!is_asked(line, attacks[i].name))
			continue;
		say("attack: ");
		say(attacks[i].name);
		say("\n");
		attacks[i].run();
		say("\ndone\n");
	}
	out8(SLEEP, POWER_OFF);
	halt();
}

static char stack[65536] __attribute__((used, aligned(16)));

__asm__(".globl _start\n"
        "_start:\n"
        "	lea stack + 65536(%rip), %rsp\n"
        "	mov %rsi, %rdi\n"
        "	call begin\n");
