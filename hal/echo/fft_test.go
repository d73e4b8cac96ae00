package echo

import (
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"
)

// The transform is that of the definition, and its inverse leads back.
func TestTransform(t *testing.T) {
	for _, size := range []int{2, 8, 10, 320, 480, 512} {
		tr, rng := newTransform(size), rand.New(rand.NewPCG(1, uint64(size)))
		x, back := make([]float32, size), make([]float32, size)
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		got := make([]complex64, size/2+1)
		tr.forward(got, x)
		for k := range got {
			var want complex128
			for i, v := range x {
				want += complex(float64(v), 0) * cmplx.Rect(1, -2*math.Pi*float64(i*k)/float64(size))
			}
			if d := cmplx.Abs(want - complex128(got[k])); d > 1e-4*math.Sqrt(float64(size)) {
				t.Fatalf("size %d, bin %d: %v, want %v", size, k, got[k], want)
			}
		}
		tr.inverse(back, got)
		for i := range x {
			if d := math.Abs(float64(x[i] - back[i])); d > 1e-5 {
				t.Fatalf("size %d: sample %d is %v, was %v", size, i, back[i], x[i])
			}
		}
	}
}
