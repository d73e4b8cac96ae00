// Package board describes a telephone's hardware as data: which line is which
// key, hook or lamp, and which devices carry sound. Known boards are embedded as
// text; a person with a soldering iron writes another in the same form, one
// declaration a line:
//
//	# comment
//	name     my-phone
//	chip     label=pinctrl-bcm2711
//	keypad   rows=GPIO5,GPIO6 cols=GPIO16,GPIO22,GPIO23 keys=123/456 settle=100us
//	hook     line=GPIO4 pull=up active=low flash=yes
//	key      recall line=GPIO17 pull=up active=low
//	dial     line=GPIO27 pull=up active=high
//	lamp     line line=GPIO25 active=high
//	lamp     contact1 green=GPIO24 red=GPIO13
//	ringer   line=GPIO12 active=high
//	bell     line=GPIO26 active=high
//	amplifier line=GPIO9 active=high
//	audio    capture=hw:1,0 playback=hw:1,0 rate=48000
//	display  driver=ssd1306 bus=1 address=0x3c lines=4 columns=21
//
// lamp and key stand once for each lamp (line, message, contact1 to contact10) and
// key (0 to 9, *, hash, A to D, recall, louder, softer, and contact1 to contact10, which call
// whom the lamp stands for), all others once. name and hook must stand, and at least one
// of keypad, key and dial.
//
//	chip    label       of the GPIO chip (the one at the 40-pin header); on another all its
//	                    lines may be used, and GPIO7 is its line 7
//	keypad  rows, cols  the lines; rows are read with a pull-up, columns are driven
//	        keys        the rows of keys, top to bottom, separated by /
//	        settle      from driving a column to reading the rows (100us)
//	hook    line        the cradle switch
//	        pull        up, down or none (up)
//	        active      the level that means "in its cradle" (low)
//	        flash       yes: a dip of 80 to 600 ms is the recall key, and hanging up
//	                    is known after 600 ms (yes)
//	key     line, pull  a key that has a line of its own
//	        active      the level that means "pressed" (low)
//	dial    line, pull  the pulse contact of a rotary dial
//	        active      the level of a pulse (high)
//	lamp    line, active  the level that lights it (high)
//	        brightness  in percent, of a line that can pulse: GPIO12 or GPIO13
//	        green, red  instead of line: the two lights of one lamp
//	ringer  line, active  the level that sounds it (high)
//	        tone        for a buzzer that makes none by itself: in Hz, of GPIO12 or 13
//	        device      the ALSA device that rings, with line or instead of it
//	bell    line, active  a relay for a bell elsewhere, closed while the ringer sounds
//	amplifier  line, active  the level that switches it on (high): with the handset
//	                    lifted and while it rings
//	audio   capture, playback  ALSA devices; rate is the one they are best at (48000)
//	        speaker     yes: the microphone hears a loudspeaker, not an earpiece, whose
//	                    echo is taken out (no)
//	        sidetone    how loud a speaker hears himself, -40 to -6 dB (not at all)
//	        control     which of the card's controls louder and softer turn, as alsamixer
//	                    calls it (the first of Headset, Headphone, Speaker, PCM, Master and
//	                    Digital that it has; without any, the sound itself is changed)
//	        volume      where that stands at normal loudness, 1 to 100 percent of its range
//	                    (where it neither raises nor lowers, if it says where that is)
//	display driver      ssd1306, sh1106 or hd44780
//	        bus, address  of I2C (1, 0x3c; 0x27 for hd44780); lines (4) and columns (21; 20)
//	                    of text
//
// Lines are GPIO numbers as printed on every pin-out of the 40-pin header. No line
// stands twice, and none of the header is one that the machine needs itself: GPIO0 and 1 (HAT
// EEPROM), 2 and 3 (I2C), 14 and 15 (serial console); GPIO28 and above are not on
// the header, and those from 48 on belong to the SD card.
//
// "term" and "pipe" are boards without wires: a telephone on a terminal and one
// in a script.
package board
