package display

import (
	"image"

	"periph.io/x/devices/v3/ssd1306/image1bit"
)

// The size of the glass in dots.
const (
	width  = 128
	height = 64
)

// Painter turns text into pictures.
type Painter struct{ font font }

// NewPainter reads the font.
func NewPainter() *Painter { return &Painter{newFont()} }

// Paint draws rows of text, spread over the height of the glass. What does not fit is
// cut off.
func (p *Painter) Paint(rows []string) *image1bit.VerticalLSB {
	img := image1bit.NewVerticalLSB(image.Rect(0, 0, width, height))
	pitch := height / max(len(rows), 1)
	for i, text := range rows {
		x, y := 0, i*pitch+(pitch-glyphHeight)/2
		for _, r := range text {
			for dy, row := range p.font.glyph(r) {
				for dx := range glyphWidth {
					if row>>(7-dx)&1 == 1 {
						img.SetBit(x+dx, y+dy, image1bit.On)
					}
				}
			}
			x += glyphWidth
		}
	}
	return img
}
