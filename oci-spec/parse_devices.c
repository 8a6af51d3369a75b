/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux.devices: the nodes that the container gets in addition to the default ones.
 * config-linux.md, "Devices".
 */
#include "oci-spec/parse.h"

/* linux/kdev_t.h: 12 and 20 bits. */
enum { MAJOR_MAX = (1 << 12) - 1, MINOR_MAX = (1 << 20) - 1 };

static void parse_numbers(struct reader *r, const struct json *j, struct oci_device *ret)
{
	if (ret->type != 'p') {
		read_needed(r, j, "major");
		read_needed(r, j, "minor");
	}
	ret->major = (uint32_t)read_i64(r, j, "major", 0, MAJOR_MAX).value;
	ret->minor = (uint32_t)read_i64(r, j, "minor", 0, MINOR_MAX).value;
}

static struct oci_device parse_device(struct reader *r, const struct json *j)
{
	static const struct word types[] = {
		{ "c", 'c' }, { "u", 'c' }, { "b", 'b' }, { "p", 'p' }, { 0 },
	};
	struct oci_device device = {
		.path = read_needed_path(r, j, "path"),
		.file_mode = read_u32(r, j, "fileMode", UINT32_MAX),
		.uid = read_id(r, j, "uid"),
		.gid = read_id(r, j, "gid"),
	};
	uint64_t type = 0;

	if (read_needed_text(r, j, "type") && read_word(r, j, "type", types, &type)) {
		device.type = (char)type;
		parse_numbers(r, j, &device);
	}
	/* Engines pass st_mode, or Go's FileMode, with the bits of the type. */
	device.file_mode.value &= 07777;
	return device;
}

void parse_devices(struct reader *r, const struct json *linux_, struct oci_linux *ret)
{
	const struct json *list = read_list(r, linux_, "devices", JSON_OBJECT);
	struct oci_device *v = read_room(r, list, sizeof(*v));

	for (const struct json *j = list->first; j; j = j->next)
		v[ret->device_count++] = parse_device(r, j);
	ret->devices = v;
}
