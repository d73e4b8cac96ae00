// Package display shows the telephone's lines of text on glass: SSD1306 and SH1106, 128
// by 64 dots on I2C, and HD44780 with a PCF8574 on I2C.
//
//	compose   which rows of text a glass of so many rows shows at a time (pure)
//	picture   those rows as dots (pure), with the font of font.hex
//	oled lcd  the glasses
//	bus       I2C
//	Display   the loop: sets the glass up, shows what is to be shown, and sets it
//	          up again when it was gone
//
// A glass that does not answer is a fault of its own: the telephone does everything
// else, and the glass shows its text two seconds after it is back. Ten times an hour
// it is set up anew, for one that lost its power for a moment answers and stays dark.
//
// With glass behind it a panel is another panel: see With.
//
// font.hex is the 6x13 font of X.org's font-misc-misc, which is in the public domain: a
// line for each character, its code and its 13 rows of dots, the left one in the
// highest bit.
package display
