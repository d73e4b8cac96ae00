//go:build !race

package media

const forgotten = 0
