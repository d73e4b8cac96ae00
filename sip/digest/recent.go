package digest

// recent is a table of bounded size that keeps what was touched last: two maps,
// of which the older is thrown away whenever the newer is full. It holds between
// size and twice size entries.
type recent[K comparable, V any] struct {
	size     int
	new, old map[K]V
}

func newRecent[K comparable, V any](size int) recent[K, V] {
	return recent[K, V]{size: size, new: map[K]V{}}
}

func (r *recent[K, V]) get(k K) (V, bool) {
	v, ok := r.new[k]
	if !ok {
		v, ok = r.old[k]
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if _, ok := r.new[k]; !ok && len(r.new) >= r.size {
		r.old, r.new = r.new, map[K]V{}
	}
	r.new[k] = v
}

func (r *recent[K, V]) delete(k K) {
	delete(r.new, k)
	delete(r.old, k)
}
