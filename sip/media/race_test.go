//go:build race

package media

// forgotten is how many allocations a frame may cost here: under the race detector a
// sync.Pool, such as that of the SRTP authentication, forgets at random.
const forgotten = 2

// raced: virtual time takes ten times as long here, and what it shows of sound is shown without.
const raced = true

// sparse is the distance of the samples that compare looks at.
const sparse = 67
