package alsa

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

// The sizes and ioctl numbers are those a C compiler makes of asound.h, for every
// machine the firmware is built for: abi.go is type-checked with the sizes of each.
func TestABI(t *testing.T) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "abi.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	type sizes struct{ hw, sw, xfer, sync, list, info, value int64 }
	for arch, want := range map[string]struct {
		sizes
		ioctls map[string]int64
	}{
		"amd64": {sizes{608, 136, 24, 136, 80, 272, 1224}, numbers64},
		"arm64": {sizes{608, 136, 24, 136, 80, 272, 1224}, numbers64},
		"arm":   {sizes{604, 104, 12, 132, 72, 272, 712}, numbers32},
	} {
		sizeof := types.SizesFor("gc", arch)
		conf := types.Config{Sizes: sizeof, Importer: onlyUnsafe{}}
		pkg, err := conf.Check("alsa", fset, []*ast.File{f}, nil)
		if err != nil {
			t.Fatal(err)
		}
		size := func(name string) int64 { return sizeof.Sizeof(pkg.Scope().Lookup(name).Type()) }
		if got := (sizes{size("hwParams"), size("swParams"), size("xferi"), size("syncPtr"), size("elemList"), size("elemInfo"), size("elemValue")}); got != want.sizes {
			t.Errorf("%s: sizes %+v, want %+v", arch, got, want.sizes)
		}
		for name, number := range want.ioctls {
			c := pkg.Scope().Lookup(name).(*types.Const)
			if got, _ := constant.Int64Val(c.Val()); got != number {
				t.Errorf("%s: %s is %#x, want %#x", arch, name, got, number)
			}
		}
		// The offsets that a wrong padding would move.
		for field, want := range map[string]int64{"intervals": 260, "rmask": 512, "fifoSize": 536} {
			if got := offset(sizeof, pkg, "hwParams", field); got != want {
				t.Errorf("%s: hwParams.%s at %d, want %d", arch, field, got, want)
			}
		}
	}
}

var (
	numbers64 = map[string]int64{
		"ioctlHWParams": 0xc2604111, "ioctlSWParams": 0xc0884113,
		"ioctlPrepare": 0x4140, "ioctlStart": 0x4142, "ioctlDrop": 0x4143, "ioctlWritei": 0x40184150, "ioctlReadi": 0x80184151,
		"ioctlSyncPtr":  0xc0884123,
		"ioctlElemList": 0xc0505510, "ioctlElemInfo": 0xc1105511, "ioctlElemWrite": 0xc4c85513, "ioctlTLVRead": 0xc008551a,
	}
	numbers32 = map[string]int64{
		"ioctlHWParams": 0xc25c4111, "ioctlSWParams": 0xc0684113,
		"ioctlPrepare": 0x4140, "ioctlStart": 0x4142, "ioctlDrop": 0x4143, "ioctlWritei": 0x400c4150, "ioctlReadi": 0x800c4151,
		"ioctlSyncPtr":  0xc0844123,
		"ioctlElemList": 0xc0485510, "ioctlElemInfo": 0xc1105511, "ioctlElemWrite": 0xc2c85513, "ioctlTLVRead": 0xc008551a,
	}
)

// onlyUnsafe is the importer of a file that needs nothing else.
type onlyUnsafe struct{}

func (onlyUnsafe) Import(path string) (*types.Package, error) {
	if path != "unsafe" {
		return nil, fmt.Errorf("abi.go imports %s", path)
	}
	return types.Unsafe, nil
}

func offset(sizes types.Sizes, pkg *types.Package, typ, field string) int64 {
	s := pkg.Scope().Lookup(typ).Type().Underlying().(*types.Struct)
	var fields []*types.Var
	for i := range s.NumFields() {
		fields = append(fields, s.Field(i))
	}
	for i, at := range sizes.Offsetsof(fields) {
		if fields[i].Name() == field {
			return at
		}
	}
	return -1
}

func TestParams(t *testing.T) {
	p := anyParams()
	p.setMask(paramAccess, accessInterleaved)
	p.setMask(paramFormat, formatS16LE)
	p.setRange(paramRate, 16000, 16000)
	if p.masks[0] != (mask{8}) || p.masks[1] != (mask{4}) || p.masks[2] != (mask{^uint32(0), ^uint32(0),
		^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0), ^uint32(0)}) {
		t.Errorf("masks %x", p.masks)
	}
	// SNDRV_PCM_HW_PARAM_RATE is 11 and the first interval is 8.
	if p.intervals[11-8] != (interval{16000, 16000, integer}) || p.intervals[0] != (interval{0, ^uint32(0), 0}) {
		t.Errorf("intervals %v", p.intervals)
	}
	// PERIOD_SIZE is 13, BUFFER_SIZE 17, CHANNELS 10.
	if paramPeriodSize != 13-8 || paramBufferSize != 17-8 || paramChannels != 10-8 {
		t.Error("interval numbers are wrong")
	}
}
