// Package cache keeps between runs what was computed from contents, under the id of
// the content. What it gives was written by this version for that id, or it gives
// nothing: a file that is torn, of another version or made up is passed over and
// rewritten. It works without a directory, too, and then forgets.
package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Bounds of what is kept.
const (
	// MaxFile is how large a file may get, MaxDir all files of a room together.
	MaxFile = 48 << 20
	MaxDir  = 256 << 20
	// used is how old a file's time may be before it is set anew.
	used = 24 * time.Hour
)

// Store is the entries of one name in a room. It is for one goroutine.
type Store struct {
	dir, path, head string
	kept            map[string][]byte // what the file had
	taken, fresh    map[string][]byte // what was asked for, and what is new
}

// Dir is the directory of a room in the user's cache; "" where there is none.
func Dir(room string) string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(base, "onward", room)
}

// Open reads the entries of a name, which must be one for a file. version is that of
// what computes them. dir "" keeps nothing.
func Open(dir, name, version string) *Store {
	s := &Store{dir: dir, head: "onward cache 1 " + version + "\n", taken: map[string][]byte{}, fresh: map[string][]byte{}}
	if dir == "" {
		return s
	}
	s.path = filepath.Join(dir, name)
	s.kept = s.load()
	if info, err := os.Stat(s.path); err == nil && time.Since(info.ModTime()) > used {
		now := time.Now()
		_ = os.Chtimes(s.path, now, now) // else it is forgotten sooner
	}
	return s
}

// Get gives the entry of a key. It must not be changed.
func (s *Store) Get(key string) ([]byte, bool) {
	data, ok := s.kept[key]
	if ok {
		s.taken[key] = data
	}
	return data, ok
}

// Put keeps an entry.
func (s *Store) Put(key string, data []byte) { s.fresh[key] = data }

// Save writes the entries down where there are new ones: what this run asked for, and
// then what others left, as far as there is room. What another run wrote meanwhile is
// among them.
func (s *Store) Save() error {
	if s.path == "" || len(s.fresh) == 0 {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("keep what was read: %w", err)
	}
	out := bytes.NewBuffer(make([]byte, 0, 1<<20))
	out.WriteString(s.head)
	written := map[string]bool{}
	for _, entries := range []map[string][]byte{s.fresh, s.taken, s.load()} {
		keys := make([]string, 0, len(entries))
		for key := range entries {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		for _, key := range keys {
			if written[key] || out.Len()+len(key)+len(entries[key])+32 > MaxFile {
				continue
			}
			written[key] = true
			record(out, key, entries[key])
		}
	}
	if err := replace(s.path, out.Bytes()); err != nil {
		return fmt.Errorf("keep what was read: %w", err)
	}
	s.bound()
	return nil
}

// record writes an entry: its lengths, itself, and a sum over key and data, so that
// no entry stands for another.
func record(out *bytes.Buffer, key string, data []byte) {
	var n []byte
	n = binary.AppendUvarint(n, uint64(len(key)))
	n = binary.AppendUvarint(n, uint64(len(data)))
	out.Write(n)
	out.WriteString(key)
	out.Write(data)
	out.Write(binary.LittleEndian.AppendUint32(nil, sum(key, data)))
}

var table = crc32.MakeTable(crc32.Castagnoli)

func sum(key string, data []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(key), table), table, data)
}

// load reads the file, up to the first entry that is not whole.
func (s *Store) load() map[string][]byte {
	out := map[string][]byte{}
	info, err := os.Lstat(s.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > MaxFile {
		return out
	}
	text, err := os.ReadFile(s.path)
	rest, ok := bytes.CutPrefix(text, []byte(s.head))
	if err != nil || !ok {
		return out
	}
	for len(rest) > 0 {
		nk, a := binary.Uvarint(rest)
		if a <= 0 {
			return out
		}
		nd, b := binary.Uvarint(rest[a:])
		if b <= 0 || nk > MaxFile || nd > MaxFile || uint64(len(rest)) < uint64(a+b)+nk+nd+4 {
			return out
		}
		rest = rest[a+b:]
		key, data := string(rest[:nk]), rest[nk:nk+nd:nk+nd]
		if binary.LittleEndian.Uint32(rest[nk+nd:]) != sum(key, data) {
			return out
		}
		out[key] = data
		rest = rest[nk+nd+4:]
	}
	return out
}

// replace puts a file in the place of another in one step.
func replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), young+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// young is what a file is called until it is whole, and patience is for how long one
// may be that of a run that goes on.
const (
	young    = ".new-"
	patience = time.Hour
)

// bound removes the files that were not asked for longest, until the rest has room,
// and what killed runs left. What it cannot remove is no error.
func (s *Store) bound() {
	list, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	var files []os.FileInfo
	var size int64
	for _, e := range list {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case len(e.Name()) > len(young) && e.Name()[:len(young)] == young:
			if time.Since(info.ModTime()) > patience {
				_ = os.Remove(filepath.Join(s.dir, e.Name()))
			}
		default:
			files = append(files, info)
			size += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, f := range files {
		if size <= MaxDir || f.Name() == filepath.Base(s.path) {
			continue
		}
		size -= f.Size()
		_ = os.Remove(filepath.Join(s.dir, f.Name()))
	}
}
