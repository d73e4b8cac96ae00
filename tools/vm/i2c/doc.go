// Package i2c is an I2C bus outside of an emulated machine, and the glasses at it.
//
//	redirect  how QEMU is handed a USB device of another program
//	Adapter   that device: what Linux knows as i2c-tiny-usb, an adapter from USB to I2C
//	OLED LCD  what controllers of displays make of the octets that they are sent
//
// So a telephone in the machine writes to /dev/i2c-0, a driver of its kernel carries that
// to the adapter, and what would be seen on the glass is seen here. No machine of QEMU
// for arm64 has an I2C bus with displays, and the kernel's own i2c-stub, which Debian
// leaves out for arm64, takes SMBus commands only, where displays are sent plain I2C
// messages.
package i2c
