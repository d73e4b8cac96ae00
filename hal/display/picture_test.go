package display_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"periph.io/x/devices/v3/ssd1306/image1bit"

	"chordophone/firmware/phone"
	"chordophone/hal"
	"chordophone/hal/display"
	"chordophone/tools/story"
)

var shots = flag.String("shots", "", "a directory for the pictures as they look, four times as large")

// The telephone's own words on the glass, at six past nine.
var screens = []struct {
	name   string
	rows   int
	events []string // keys X, or those of package phone
}{
	{"idle", 4, []string{"messages 3"}},
	{"ringing", 4, []string{`offered "a" "102" "Jürgen Weiß"`}},
	{"dialling", 4, []string{"off", "keys 1024"}},
	{"talking", 4, []string{"off", "keys 102#", `answered "out-1"`, `offered "b" "103" "Zoë"`}},
	{"menu", 4, []string{"keys #8"}},
	{"volume", 4, []string{"keys ##"}},
	{"contacts", 4, []string{"keys #8#8"}},
	{"calls", 4, []string{`past "104" "Łukasz" "in"`, `past "102" "Jürgen Weiß" "out"`, `past "+49301234" "" "missed"`, "keys #88#8"}},
	{"pairing", 4, []string{"keys #888#", `enrolling "4821-9375"`}},
	{"quality", 4, []string{`heard "102" "opus" 431 3 86 4`, "keys #8888#"}},
	{"hostkey", 4, []string{`hostkey "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDQKdQZNPZS7tY4lLg"`, "keys #88888#"}},
	{"selftest", 4, []string{"off", "keys *#0*#", `part "display" "" "display driver=ssd1306" ""`, "begin"}},
	{"faults", 4, []string{"off", "keys *#0*#", `part "lamp" "message" "lamp message line=GPIO26" "dark"`, `part "key" "5" "key 5 line=GPIO6" "GPIO6 is low all the time"`, "begin"}},
	{"island", 4, []string{"island 2"}},
	{"idle-two-rows", 2, []string{"messages 3"}},
	{"menu-two-rows", 2, []string{"keys #8"}},
}

func TestPictures(t *testing.T) {
	painter := display.NewPainter()
	for _, s := range screens {
		at := time.Date(2026, 11, 22, 9, 6, 0, 0, time.UTC)
		lines := play(t, at, append([]string{
			`online "101" "Leuchtturm" "7f3a"`, `directory 2 "102" "Jürgen Weiß"`, `directory 3 "103" "Zoë"`, `directory 5 "104" "Łukasz"`,
		}, s.events...))
		img := painter.Paint(display.Compose(lines, s.rows, 21, at))
		var b bytes.Buffer
		if err := png.Encode(&b, paletted(img, 1)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", s.name+".png")
		if !samePicture(t, b.Bytes(), story.Kept(t, path, b.Bytes())) {
			t.Errorf("%s: %q is another picture than %s (-rewrite accepts it)", s.name, lines, path)
		}
		if *shots != "" {
			shoot(t, filepath.Join(*shots, s.name+".png"), img)
		}
	}
}

// play is what a telephone shows after events.
func play(t *testing.T, at time.Time, events []string) (lines []string) {
	p := phone.New(phone.Default())
	step := func(ev phone.Event) {
		for _, a := range p.Step(at, ev) {
			if tell, ok := a.(phone.Tell); ok {
				if l, ok := tell.Notice.(hal.Lines); ok {
					lines = l.Lines
				}
			}
		}
	}
	for _, text := range events {
		if keys, ok := bytes.CutPrefix([]byte(text), []byte("keys ")); ok {
			for _, k := range string(keys) {
				step(phone.Input{Event: hal.Event{Key: hal.Key(k), Down: true}})
				step(phone.Input{Event: hal.Event{Key: hal.Key(k)}})
			}
			continue
		}
		ev, err := phone.ParseEvent(text)
		if err != nil {
			t.Fatal(err)
		}
		step(ev)
	}
	return lines
}

// samePicture compares dots: how a file holds them is the encoder's business.
func samePicture(t *testing.T, a, b []byte) bool {
	one, err1 := png.Decode(bytes.NewReader(a))
	other, err2 := png.Decode(bytes.NewReader(b))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if one.Bounds() != other.Bounds() {
		return false
	}
	for y := range one.Bounds().Dy() {
		for x := range one.Bounds().Dx() {
			if one.At(x, y) != other.At(x, y) {
				return false
			}
		}
	}
	return true
}

// The colours of the glass: dark, between the dots, and lit.
var glass = color.Palette{color.Black, color.RGBA{12, 14, 18, 255}, color.RGBA{150, 205, 255, 255}}

// paletted is a picture with dots of so many pixels; of a large dot one is the gap to the
// next.
func paletted(img *image1bit.VerticalLSB, dot int) *image.Paletted {
	r := img.Bounds()
	out := image.NewPaletted(image.Rect(0, 0, r.Dx()*dot, r.Dy()*dot), glass)
	for y := range r.Dy() * dot {
		for x := range r.Dx() * dot {
			switch {
			case dot > 1 && (x%dot == dot-1 || y%dot == dot-1):
			case bool(img.BitAt(x/dot, y/dot)):
				out.SetColorIndex(x, y, 2)
			default:
				out.SetColorIndex(x, y, uint8(min(dot-1, 1)))
			}
		}
	}
	return out
}

// shoot writes a picture as it looks, with a frame.
func shoot(t *testing.T, path string, img *image1bit.VerticalLSB) {
	const dot, frame = 4, 24
	inner := paletted(img, dot)
	out := image.NewPaletted(inner.Bounds().Inset(-frame), glass)
	for y := range inner.Bounds().Dy() {
		for x := range inner.Bounds().Dx() {
			out.SetColorIndex(x, y, inner.ColorIndexAt(x, y))
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, out); err != nil {
		t.Fatal(err)
	}
}
