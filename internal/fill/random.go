package fill

import (
	"hash/fnv"
	"math/bits"
	"strconv"
)

// golden is 2^64 divided by the golden ratio, the increment of SplitMix64.
const golden = 0x9E3779B97F4A7C15

// mixBits is the finalizer of SplitMix64: every bit of the result depends on every
// bit of x.
func mixBits(x uint64) uint64 {
	x += golden
	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9
	x = (x ^ (x >> 27)) * 0x94D049BB133111EB
	return x ^ (x >> 31)
}

// seedOf returns the seed of a column. It depends on names alone, so that a
// table keeps its rows when another table is added.
func seedOf(seed uint64, names ...string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.FormatUint(seed, 10)))
	for _, n := range names {
		h.Write([]byte{0})
		h.Write([]byte(n))
	}
	return mixBits(h.Sum64())
}

// randomAt returns the random number of a row.
func randomAt(seed uint64, i int64) uint64 { return mixBits(seed ^ uint64(i)*golden) }

// reduceTo maps a random number to [0, n).
func reduceTo(h uint64, n int64) int64 {
	if n <= 1 {
		return 0
	}
	hi, _ := bits.Mul64(h, uint64(n))
	return int64(hi)
}

// reduceSkewed maps a random number to [0, n), low ones more often: the first tenth
// gets almost half of all.
func reduceSkewed(h uint64, n int64) int64 {
	if n <= 1 {
		return 0
	}
	u := float64(h>>11) / (1 << 53)
	return min(int64(u*u*u*float64(n)), n-1)
}

// permutation is a bijection of [0, n).
type permutation struct{ n, a, b uint64 }

func newPermutation(n int64, seed uint64) permutation {
	p := permutation{n: uint64(max(n, 1))}
	p.b = seed % p.n
	p.a = mixBits(seed)%p.n | 1
	for gcd(p.a, p.n) != 1 {
		p.a += 2
	}
	p.a %= p.n
	if p.n == 1 {
		p.a = 1
	}
	return p
}

func (p permutation) valueAt(i int64) int64 {
	hi, lo := bits.Mul64(p.a, uint64(i)%p.n)
	_, rem := bits.Div64(hi%p.n, lo, p.n)
	return int64((rem + p.b) % p.n)
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
