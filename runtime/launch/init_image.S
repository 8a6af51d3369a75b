/* SPDX-License-Identifier: Apache-2.0 */
/* caisson-init as bytes: from init_image up to init_image_end. */
	.section .rodata
	.balign 16
	.globl init_image, init_image_end
	.type init_image, @object
	.type init_image_end, @object
init_image:
	.incbin INIT_PATH
init_image_end:
	.size init_image, . - init_image
	.section .note.GNU-stack, "", @progbits
