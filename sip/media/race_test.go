//go:build race

package media

// forgotten is how many allocations a frame may cost here: under the race detector a
// sync.Pool, such as that of the SRTP authentication, forgets at random.
const forgotten = 2
