package storage

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// The form of a bbolt file, as far as it must be right for bbolt to read it
// safely. All numbers are in the byte order of the machine; ours are all
// little-endian.
//
//	page     id u64 | flags u16 | count u16 | overflow u32 | elements ... | data ...
//	meta     magic u32 | version u32 | page size u32 | flags u32 | root: pgid u64, sequence u64 |
//	         freelist pgid u64 | high water pgid u64 | txid u64 | FNV-1a of the above u64
//	branch   pos u32 | key size u32 | pgid u64            pos counts from the element
//	leaf     flags u32 | pos u32 | key size u32 | value size u32
//	bucket   root pgid u64 | sequence u64 | page, if root is 0    (value of a leaf with flag 1)
//	freelist pgid u64 ...                 (count 0xffff: the first one is the count)
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeader  = 16
	elementSize = 16

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10

	flagBucket = 0x01 // of a leaf element

	maxDepth = 32 // of a tree: 2^32 records would not be as deep
)

// damage is ErrDamaged with what is wrong.
func damage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

// walkFile checks that f is whole and one of ours. It reads the file page by
// page, never through a mapping, and visits no page twice, so that no content can
// make it fault or loop. The error is ErrDamaged, ErrForeign or ErrNewer.
func walkFile(f io.ReaderAt, size int64) error {
	m, err := readMeta(f, size)
	if err != nil {
		return err
	}
	if m.pages < 2 || m.pages > uint64(size)/pageSize {
		return damage("file of %d octets for %d pages", size, m.pages)
	}
	w := &walker{f: f, pages: m.pages, seen: make([]bool, m.pages)}
	w.seen[0], w.seen[1] = true, true
	if err := w.freelist(m.freelist); err != nil {
		return err
	}
	if err := w.tree(m.root, nil, nil, 0, 0); err != nil {
		return err
	}
	switch {
	case w.found == 0:
		return ErrForeign
	case w.format != "" && w.format != format:
		return fmt.Errorf("%w: format %q", ErrNewer, w.format)
	case w.found != len(buckets) || w.format == "":
		return damage("%d of %d buckets, format %q", w.found, len(buckets), w.format)
	}
	return nil
}

// boltMeta is what we need of the newer valid meta page.
type boltMeta struct{ root, freelist, pages, txid uint64 }

func readMeta(f io.ReaderAt, size int64) (newest boltMeta, err error) {
	const length = 64
	valid, magic, blank := false, false, true
	for at := int64(0); at < 2*pageSize; at += pageSize {
		var page [pageSize]byte
		n, err := f.ReadAt(page[:], at)
		if err != nil && err != io.EOF {
			return newest, damage("read page %d: %v", at/pageSize, err)
		}
		blank = blank && len(bytes.Trim(page[:n], "\x00")) == 0
		b := page[pageHeader:]
		u32 := func(i int) uint32 { return binary.LittleEndian.Uint32(b[i:]) }
		u64 := func(i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }
		magic = magic || u32(0) == boltMagic
		sum := fnv.New64a()
		sum.Write(b[:length-8])
		if u32(0) != boltMagic || u32(4) != boltVersion || u64(length-8) != sum.Sum64() {
			continue
		}
		if u32(8) != pageSize {
			return newest, fmt.Errorf("%w: pages of %d octets", ErrForeign, u32(8))
		}
		m := boltMeta{root: u64(16), freelist: u64(32), pages: u64(40), txid: u64(48)}
		if !valid || m.txid > newest.txid {
			newest, valid = m, true
		}
	}
	switch {
	case valid:
		return newest, nil
	case magic:
		return newest, damage("both meta pages are bad")
	case blank:
		return newest, damage("the file is blank, as after a power cut")
	}
	return newest, ErrForeign
}

// walker walks the pages of one file.
type walker struct {
	f     io.ReaderAt
	pages uint64
	seen  []bool // by page: used by a tree or by the freelist

	found  int    // how many of our buckets were there
	inMeta bool   // the walk is in the bucket meta
	format string // meta/format
}

// page reads page id with its overflow pages, which must not be used already.
func (w *walker) page(id uint64) ([]byte, error) {
	if id < 2 || id >= w.pages {
		return nil, damage("page %d of %d", id, w.pages)
	}
	var head [pageHeader]byte
	if _, err := w.f.ReadAt(head[:], int64(id)*pageSize); err != nil {
		return nil, damage("read page %d: %v", id, err) // a sector that is gone
	}
	overflow := uint64(binary.LittleEndian.Uint32(head[12:]))
	if binary.LittleEndian.Uint64(head[:]) != id || overflow >= w.pages-id {
		return nil, damage("page %d has a wrong header", id)
	}
	for i := id; i <= id+overflow; i++ {
		if w.seen[i] {
			return nil, damage("page %d is used twice", i)
		}
		w.seen[i] = true
	}
	p := make([]byte, (overflow+1)*pageSize)
	if _, err := w.f.ReadAt(p, int64(id)*pageSize); err != nil {
		return nil, damage("read page %d: %v", id, err)
	}
	return p, nil
}

// freelist marks the free pages as used: no tree may hold one.
func (w *walker) freelist(id uint64) error {
	p, err := w.page(id)
	if err != nil {
		return err
	}
	count, ids := uint64(binary.LittleEndian.Uint16(p[10:])), p[pageHeader:]
	if count == 0xFFFF {
		count, ids = binary.LittleEndian.Uint64(ids), ids[8:]
	}
	if binary.LittleEndian.Uint16(p[8:]) != flagFreelist || count > uint64(len(ids)/8) {
		return damage("page %d is not a list of free pages", id)
	}
	for i := range count {
		free := binary.LittleEndian.Uint64(ids[8*i:])
		if free < 2 || free >= w.pages || w.seen[free] {
			return damage("page %d cannot be free", free)
		}
		w.seen[free] = true
	}
	return nil
}

// tree walks the pages of a bucket from page id. The first key must be first (or
// bbolt would insert the page a second time when it changes it), all must be below
// high; nil is any. bucket counts how many buckets are above.
func (w *walker) tree(id uint64, first, high []byte, depth, bucket int) error {
	if depth > maxDepth {
		return damage("page %d lies too deep", id)
	}
	p, err := w.page(id)
	if err != nil {
		return err
	}
	if binary.LittleEndian.Uint16(p[8:]) != flagBranch {
		return w.leaf(id, p, first, high, depth, bucket)
	}
	n := int(binary.LittleEndian.Uint16(p[10:]))
	if n == 0 {
		return damage("page %d is a branch to nowhere", id)
	}
	type child struct {
		key  []byte
		page uint64
	}
	children := make([]child, n)
	next, err := dataStart(id, p, n)
	if err != nil {
		return err
	}
	for i := range children {
		e := pageHeader + i*elementSize
		key, _, err := data(id, p, e, &next, binary.LittleEndian.Uint32(p[e:]), binary.LittleEndian.Uint32(p[e+4:]), 0)
		if err != nil {
			return err
		}
		children[i] = child{key, binary.LittleEndian.Uint64(p[e+8:])}
	}
	for i, c := range children {
		end := high
		if i+1 < n {
			end = children[i+1].key
		}
		if i == 0 && first != nil && !bytes.Equal(c.key, first) || end != nil && bytes.Compare(c.key, end) >= 0 {
			return damage("page %d has keys out of order", id)
		}
		if err := w.tree(c.page, c.key, end, depth+1, bucket); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) leaf(id uint64, p, first, high []byte, depth, bucket int) error {
	if binary.LittleEndian.Uint16(p[8:]) != flagLeaf {
		return damage("page %d is neither branch nor leaf", id)
	}
	n := int(binary.LittleEndian.Uint16(p[10:]))
	if n == 0 && first != nil {
		return damage("page %d is empty", id)
	}
	next, err := dataStart(id, p, n)
	if err != nil {
		return err
	}
	var last []byte
	for i := range n {
		e := pageHeader + i*elementSize
		flags := binary.LittleEndian.Uint32(p[e:])
		key, value, err := data(id, p, e, &next, binary.LittleEndian.Uint32(p[e+4:]),
			binary.LittleEndian.Uint32(p[e+8:]), binary.LittleEndian.Uint32(p[e+12:]))
		if err != nil {
			return err
		}
		if i == 0 && first != nil && !bytes.Equal(key, first) ||
			i > 0 && bytes.Compare(key, last) <= 0 ||
			high != nil && bytes.Compare(key, high) >= 0 {
			return damage("page %d has keys out of order", id)
		}
		last = key
		switch {
		case flags == flagBucket:
			if err := w.bucket(id, key, value, depth, bucket); err != nil {
				return err
			}
		case flags != 0:
			return damage("page %d has an element of unknown kind", id)
		case bucket == 0:
			return damage("page %d has a value outside of all buckets", id)
		case w.inMeta && bytes.Equal(key, keyFormat):
			w.format = string(value)
		}
	}
	return nil
}

// bucket walks a bucket below the root, or, as a page without number, within its
// parent.
func (w *walker) bucket(id uint64, name, value []byte, depth, above int) error {
	if len(value) < 16 || above >= maxDepth {
		return damage("page %d has a bad bucket", id)
	}
	if above == 0 {
		w.inMeta = bytes.Equal(name, bucketMeta)
		if slices.ContainsFunc(buckets, func(b []byte) bool { return bytes.Equal(b, name) }) {
			w.found++
		}
	}
	if root := binary.LittleEndian.Uint64(value); root != 0 {
		return w.tree(root, nil, nil, depth+1, above+1)
	}
	if len(value) < 16+pageHeader {
		return damage("page %d has a bad bucket", id)
	}
	return w.leaf(id, value[16:], nil, nil, depth+1, above+1)
}

// dataStart is where the data of a page with n elements begins.
func dataStart(id uint64, p []byte, n int) (uint64, error) {
	at := pageHeader + n*elementSize
	if at > len(p) {
		return 0, damage("page %d has more elements than room", id)
	}
	return uint64(at), nil
}

// data is the key and the value of the element at e. Without gaps, as bbolt
// writes them, each begins at next, where the one before it ended: a count or a
// size that changed shows.
func data(id uint64, p []byte, e int, next *uint64, pos, keySize, valueSize uint32) (key, value []byte, err error) {
	start := uint64(e) + uint64(pos)
	mid := start + uint64(keySize)
	end := mid + uint64(valueSize)
	if start != *next || keySize == 0 || end > uint64(len(p)) {
		return nil, nil, damage("page %d has data in a wrong place", id)
	}
	*next = end
	return p[start:mid], p[mid:end], nil
}
