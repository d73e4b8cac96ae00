//go:build !race

package media

const forgotten = 0

const raced = false

const sparse = 23
