/* SPDX-License-Identifier: Apache-2.0 */
/* caisson-agent, compressed by xz: from agent_image up to agent_image_end. It is unpacked
 * once for each kernel, into what the guest boots (vm-sandbox/initramfs.c). */
	.section .rodata
	.balign 16
	.globl agent_image, agent_image_end
	.type agent_image, @object
	.type agent_image_end, @object
agent_image:
	.incbin AGENT_PATH
agent_image_end:
	.size agent_image, . - agent_image
	.section .note.GNU-stack, "", @progbits
