package pcm

// Bend appends to dst the sound of src in n samples, a few more or less than it has:
// it begins as src begins, ends as src ends, and goes over from the one to the other
// all along. By one sample in a frame nobody hears it.
func Bend(dst, src []int16, n int) []int16 {
	if n == len(src) {
		return append(dst, src...)
	}
	shift := len(src) - n // of the end against the beginning
	for i := range n {
		early := int(src[min(i, len(src)-1)])
		late := int(src[max(i+shift, 0)])
		dst = append(dst, int16((early*(n-1-i)+late*i)/max(n-1, 1)))
	}
	return dst
}
