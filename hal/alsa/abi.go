package alsa

import "unsafe"

// The structures of asound.h. uintptr stands for snd_pcm_uframes_t, an
// unsigned long: the layout and the ioctl numbers, which contain the size, differ
// between 32-bit and 64-bit machines just as they do in C.
type (
	mask [8]uint32 // 256 bits

	interval struct {
		min, max uint32
		flags    uint32 // openmin, openmax, integer, empty: bits 0 to 3
	}

	hwParams struct {
		flags     uint32
		masks     [3]mask
		_         [5]mask
		intervals [12]interval
		_         [9]interval
		rmask     uint32 // what the caller asks to refine
		cmask     uint32 // what was changed
		info      uint32
		msbits    uint32
		rateNum   uint32
		rateDen   uint32
		fifoSize  uintptr
		_         [64]byte
	}

	swParams struct {
		tstampMode       int32
		periodStep       uint32
		sleepMin         uint32
		availMin         uintptr
		xferAlign        uintptr
		startThreshold   uintptr
		stopThreshold    uintptr
		silenceThreshold uintptr
		silenceSize      uintptr
		boundary         uintptr
		proto            uint32
		tstampType       uint32
		_                [56]byte
	}

	xferi struct {
		result int // snd_pcm_sframes_t
		buf    unsafe.Pointer
		frames uintptr
	}

	// syncPtr asks where the card and the telephone are in the buffer.
	syncPtr struct {
		flags  uint32
		status struct {
			state int32
			_     int32
			hwPtr uintptr // frames, counted round at the boundary
			_     [56 - unsafe.Sizeof(uintptr(0))]byte
		}
		control struct {
			applPtr  uintptr // frames, likewise
			availMin uintptr
			_        [64 - 2*unsafe.Sizeof(uintptr(0))]byte
		}
	}

	// elemID names one control of a card.
	elemID struct {
		numid     uint32
		iface     int32
		device    uint32
		subdevice uint32
		name      [44]byte
		index     uint32
	}

	elemList struct {
		offset, space, used, count uint32
		ids                        unsafe.Pointer // of space elemID
		_                          [50]byte
	}

	elemInfo struct {
		id             elemID
		kind           int32
		access         uint32
		count          uint32 // values: one for each channel
		owner          int32
		min, max, step int // long
		_              [128 - 3*unsafe.Sizeof(int(0))]byte
		_              [64]byte
	}

	elemValue struct {
		id       elemID
		indirect uint32
		_        uint32 // the values hold 64-bit ones too
		value    [128]int
		_        [128]byte
	}

	// tlv asks what the values of a control are in decibel: type, octets, content.
	tlv struct {
		numid  uint32
		length uint32 // octets of data
		data   [64]uint32
	}
)

// Indices of hwParams: masks first, then intervals.
const (
	paramAccess = iota // masks
	paramFormat
	_ // sub-format
)

const (
	paramChannels   = 2 + iota // intervals; 0 and 1 are sample and frame bits
	paramRate                  // frames a second
	_                          // period time
	paramPeriodSize            // frames
	_                          // period bytes
	_                          // periods
	_                          // buffer time
	paramBufferSize            // frames
)

const (
	accessInterleaved = 3 // SNDRV_PCM_ACCESS_RW_INTERLEAVED
	formatS16LE       = 2 // SNDRV_PCM_FORMAT_S16_LE
	integer           = 1 << 2

	syncHW       = 1 << 0 // SNDRV_PCM_SYNC_PTR_HWSYNC
	syncAppl     = 1 << 1 // read the telephone's place, do not set it
	syncAvailMin = 1 << 2 // likewise

	ifaceMixer  = 2 // SNDRV_CTL_ELEM_IFACE_MIXER
	kindBoolean = 1 // SNDRV_CTL_ELEM_TYPE_BOOLEAN
	kindInteger = 2 // SNDRV_CTL_ELEM_TYPE_INTEGER
	accessWrite = 1 << 1
	accessTLV   = 1 << 4 // SNDRV_CTL_ELEM_ACCESS_TLV_READ

	tlvScale      = 1 // SNDRV_CTL_TLVT_DB_SCALE: of the lowest value, of a step
	tlvMinMax     = 4 // SNDRV_CTL_TLVT_DB_MINMAX: of the lowest, of the highest
	tlvMinMaxMute = 5 // SNDRV_CTL_TLVT_DB_MINMAX_MUTE
	tlvStep       = 0xffff
	tlvMute       = 0x10000 // the lowest value is silence
)

// request numbers, from the direction, the size and the number: asm-generic/ioctl.h,
// which amd64, arm and arm64 share.
const (
	write = 1
	read  = 2

	ioctlHWParams = (read|write)<<30 | unsafe.Sizeof(hwParams{})<<16 | 'A'<<8 | 0x11
	ioctlSWParams = (read|write)<<30 | unsafe.Sizeof(swParams{})<<16 | 'A'<<8 | 0x13
	ioctlSyncPtr  = (read|write)<<30 | unsafe.Sizeof(syncPtr{})<<16 | 'A'<<8 | 0x23
	ioctlPrepare  = 'A'<<8 | 0x40
	ioctlStart    = 'A'<<8 | 0x42
	ioctlDrop     = 'A'<<8 | 0x43
	ioctlWritei   = write<<30 | unsafe.Sizeof(xferi{})<<16 | 'A'<<8 | 0x50
	ioctlReadi    = read<<30 | unsafe.Sizeof(xferi{})<<16 | 'A'<<8 | 0x51

	ioctlElemList  = (read|write)<<30 | unsafe.Sizeof(elemList{})<<16 | 'U'<<8 | 0x10
	ioctlElemInfo  = (read|write)<<30 | unsafe.Sizeof(elemInfo{})<<16 | 'U'<<8 | 0x11
	ioctlElemWrite = (read|write)<<30 | unsafe.Sizeof(elemValue{})<<16 | 'U'<<8 | 0x13
	ioctlTLVRead   = (read|write)<<30 | unsafe.Offsetof(tlv{}.data)<<16 | 'U'<<8 | 0x1a
)

// anyParams leaves everything open.
func anyParams() *hwParams {
	p := &hwParams{rmask: ^uint32(0), info: ^uint32(0)}
	for i := range p.masks {
		for j := range p.masks[i] {
			p.masks[i][j] = ^uint32(0)
		}
	}
	for i := range p.intervals {
		p.intervals[i].max = ^uint32(0)
	}
	return p
}

func (p *hwParams) setMask(param, bit int) {
	p.masks[param] = mask{}
	p.masks[param][bit/32] = 1 << (bit % 32)
}

func (p *hwParams) setRange(param int, low, high uint32) {
	p.intervals[param] = interval{min: low, max: high, flags: integer}
}
