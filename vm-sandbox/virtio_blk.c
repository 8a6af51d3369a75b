/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request's head and its status byte are found by counting, wherever the driver has cut its
 * buffers (section 2.7.4.1): the chain is shortened by both, and what remains goes to preadv(2) or
 * pwritev(2) as it is, after its length and place have been compared with the disk's.
 */
#include "vm-sandbox/virtio_blk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_blk.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/scope.h"

enum {
	DEVICE_ID = 2,
	CLASS = 0x018000, /* mass storage, other */
	QUEUE_SIZE = 128,
	SEGMENTS_MAX = QUEUE_SIZE - 2, /* beside head and status */
};

#define BIT(n) (1u << (n))

static struct blk *of(struct virtio_device *d)
{
	return (struct blk *)(void *)d;
}

int blk_sectors(int fd, uint64_t *ret, struct err *e)
{
	struct stat st;
	off_t size;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat");
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, ERR_SPEC, "neither a file nor a block device");
	size = lseek(fd, 0, SEEK_END); /* the size of a device, too */
	if (size < 0)
		return err_sys(e, "find its end");
	if (size == 0 || size % BLK_SECTOR)
		return err_set(e, ERR_SPEC, "%lld bytes: it has to be a multiple of %d",
		               (long long)size, BLK_SECTOR);
	*ret = (uint64_t)size / BLK_SECTOR;
	return 0;
}

/* Takes the last of the bytes that the device may write off the chain, whose buffers are not
 * empty; NULL: there is none. */
static uint8_t *take_status(struct virtq_chain *c)
{
	struct iovec *last;

	if (c->writable == 0)
		return NULL;
	last = &c->iov[c->readable + c->writable - 1];
	last->iov_len--;
	c->writable_len--;
	return (uint8_t *)last->iov_base + last->iov_len;
}

static bool take_head(struct virtq_chain *c, struct virtio_blk_outhdr *ret)
{
	size_t left = sizeof(*ret);

	if (virtq_read(c, 0, ret, sizeof(*ret)) != sizeof(*ret))
		return false;
	c->readable_len -= (uint32_t)sizeof(*ret);
	for (unsigned int i = 0; left > 0; i++) {
		struct iovec *v = &c->iov[i];
		size_t n = left < v->iov_len ? left : v->iov_len;

		v->iov_base = (uint8_t *)v->iov_base + n;
		v->iov_len -= n;
		left -= n;
	}
	return true;
}

/* Where so many bytes from a sector on lie in the file; -1: not all of them are the disk's. */
static off_t place(const struct blk *b, uint64_t sector, uint64_t len)
{
	if (len % BLK_SECTOR || sector > b->setup.sectors ||
	    len / BLK_SECTOR > b->setup.sectors - sector)
		return -1;
	return (off_t)(sector * BLK_SECTOR);
}

static uint8_t result(bool ok)
{
	return ok ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

/* Less than all is an error: the file has become shorter, or there is no room for more. */
static uint8_t transfer(const struct blk *b, const struct virtq_chain *c, uint64_t sector,
                        bool write)
{
	const uint32_t len = write ? c->readable_len : c->writable_len;
	const off_t at = place(b, sector, len);
	ssize_t n;

	if (at < 0 || (write && b->setup.read_only))
		return VIRTIO_BLK_S_IOERR;
	do {
		n = write ? pwritev(b->setup.fd, c->iov, c->readable, at)
		          : preadv(b->setup.fd, c->iov + c->readable, c->writable, at);
	} while (n < 0 && errno == EINTR);
	return result(n == (ssize_t)len);
}

static uint8_t flush(const struct blk *b)
{
	return result(b->setup.read_only || fdatasync(b->setup.fd) == 0);
}

/* Of a driver that cannot flush, nothing is kept back. */
static uint8_t write_out(const struct blk *b, const struct virtq_chain *c, uint64_t sector)
{
	uint8_t status = transfer(b, c, sector, true);

	if (status == VIRTIO_BLK_S_OK && !(b->device.accepted & BIT(VIRTIO_BLK_F_FLUSH)))
		status = flush(b);
	return status;
}

/* A hint: a file system that keeps no holes may keep what is in there. */
static uint8_t discard(const struct blk *b, const struct virtq_chain *c)
{
	struct virtio_blk_discard_write_zeroes range;
	uint64_t len;
	off_t at;

	if (c->readable_len != sizeof(range) || b->setup.read_only)
		return VIRTIO_BLK_S_IOERR;
	(void)virtq_read(c, 0, &range, sizeof(range));
	if (range.flags)
		return VIRTIO_BLK_S_UNSUPP;
	len = (uint64_t)range.num_sectors * BLK_SECTOR;
	at = place(b, range.sector, len);
	if (at < 0)
		return VIRTIO_BLK_S_IOERR;
	return result(len == 0 ||
	              fallocate(b->setup.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
	                        (off_t)len) == 0 ||
	              errno == EOPNOTSUPP);
}

static uint8_t tell_id(const struct virtq_chain *c)
{
	static const char id[VIRTIO_BLK_ID_BYTES] = "caisson";

	return result(virtq_write(c, 0, id, sizeof(id)) == sizeof(id));
}

static uint8_t carry_out(const struct blk *b, struct virtq_chain *c)
{
	struct virtio_blk_outhdr head;

	if (!take_head(c, &head))
		return VIRTIO_BLK_S_IOERR;
	switch (head.type) {
	case VIRTIO_BLK_T_IN:
		return transfer(b, c, head.sector, false);
	case VIRTIO_BLK_T_OUT:
		return write_out(b, c, head.sector);
	case VIRTIO_BLK_T_FLUSH:
		return flush(b);
	case VIRTIO_BLK_T_GET_ID:
		return tell_id(c);
	case VIRTIO_BLK_T_DISCARD:
		return discard(b, c);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* As many requests as the queue has entries; the driver notifies for those that it adds. */
static void notify(struct virtio_device *d, unsigned int queue)
{
	struct virtq_chain chain;
	bool answered = false;

	for (int i = 0; i < QUEUE_SIZE && virtio_take(d, queue, &chain); i++) {
		uint32_t room = chain.writable_len;
		uint8_t *at = take_status(&chain), status;

		if (!at) { /* no place to say so */
			virtio_break(d);
			return;
		}
		status = carry_out(of(d), &chain);
		*at = status;
		virtio_give(d, queue, chain.head, status == VIRTIO_BLK_S_OK ? room : 1);
		answered = true;
	}
	if (answered)
		virtio_signal(d, queue);
}

static void config(const struct virtio_device *d, uint32_t offset, void *to, uint32_t len)
{
	const struct blk *b = (const struct blk *)(const void *)d;
	const struct virtio_blk_config c = {
		.capacity = b->setup.sectors,
		.seg_max = SEGMENTS_MAX,
		.max_discard_sectors = UINT32_MAX,
		.max_discard_seg = 1,
		.discard_sector_alignment = 1,
	};

	if (offset < sizeof(c))
		memcpy(to, (const uint8_t *)&c + offset,
		       len < sizeof(c) - offset ? len : sizeof(c) - offset);
}

#define KIND(more)                                                                               \
	{                                                                                        \
		.id = DEVICE_ID, .features = BIT(VIRTIO_BLK_F_SEG_MAX) | (more),                 \
		.pci_class = CLASS, .queues = 1, .queue_size = { QUEUE_SIZE }, .config = config, \
		.notify = notify                                                                 \
	}

static const struct virtio_kind kinds[] = {
	KIND(BIT(VIRTIO_BLK_F_FLUSH) | BIT(VIRTIO_BLK_F_DISCARD)),
	KIND(BIT(VIRTIO_BLK_F_RO)),
};

void blk_init(struct blk *b, const struct blk_setup *setup, const struct guest_memory *m)
{
	b->setup = *setup;
	virtio_init(&b->device, &kinds[setup->read_only], m);
}
