package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestSystemPackages reads the files of the packages for RPM and apk as their archives have them: each has the program of the release, which can
// be run, and its pages and completions.
func TestSystemPackages(t *testing.T) {
	t.Parallel()
	dist := needSnapshot(t)
	_, programs, err := readRelease(dist)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range programs {
		if p.goos != "linux" {
			continue
		}
		for kind, read := range map[string]func([]byte) (map[string]file, error){"rpm": readRPM, "apk": readAPK} {
			names, err := filepath.Glob(filepath.Join(dist, "onward_*_linux_"+p.goarch+"."+kind))
			if err != nil || len(names) != 1 {
				t.Fatalf("the release has the %s packages %q (error %v), want one", kind, names, err)
			}
			text, err := os.ReadFile(names[0])
			if err != nil {
				t.Fatal(err)
			}
			files, err := read(text)
			if err != nil {
				t.Fatalf("read the package %s: %v", names[0], err)
			}
			if f := files["usr/bin/onward"]; !bytes.Equal(f.content, p.content) || f.mode&0o777 != 0o755 {
				t.Errorf("%s: usr/bin/onward has %d bytes and mode %o", names[0], len(f.content), f.mode)
			}
			for _, name := range []string{
				"share/man/man1/onward.1", "share/bash-completion/completions/onward", "share/zsh/site-functions/_onward",
				"share/fish/vendor_completions.d/onward.fish", "share/doc/onward/copyright",
			} {
				if f := files["usr/"+name]; len(f.content) == 0 || f.mode&0o777 != 0o644 {
					t.Errorf("%s lacks usr/%s: %d bytes, mode %o", names[0], name, len(f.content), f.mode)
				}
			}
			if _, ok := files["usr/share/zsh/vendor-completions/_onward"]; ok {
				t.Errorf("%s has Debian's place of zsh's completions", names[0])
			}
			host, err := os.Hostname()
			if err == nil && len(host) > 3 && bytes.Contains(text[:min(len(text), 8192)], []byte(host+"\x00")) {
				t.Errorf("%s names the machine that made it", names[0])
			}
		}
	}
}

// readAPK reads the files of a package of Alpine: archives one after the other, of its description and of its files.
func readAPK(text []byte) (map[string]file, error) {
	all, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	for r := tar.NewReader(all); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		files[h.Name] = file{h.Name, content, h.Mode}
	}
}

// readRPM reads the files of an RPM: a lead of 96 bytes, two headers, and a compressed archive of cpio.
func readRPM(text []byte) (map[string]file, error) {
	const lead = 96
	offset := lead
	for range 2 {
		if len(text) < offset+16 || !bytes.HasPrefix(text[offset:], []byte{0x8e, 0xad, 0xe8}) {
			return nil, fmt.Errorf("no header at %d", offset)
		}
		entries, size := binary.BigEndian.Uint32(text[offset+8:]), binary.BigEndian.Uint32(text[offset+12:])
		if offset == lead {
			size = (size + 7) / 8 * 8 // the first header is the signature's, and padded
		}
		offset += 16 + 16*int(entries) + int(size)
	}
	archive, err := gzip.NewReader(bytes.NewReader(text[offset:]))
	if err != nil {
		return nil, err
	}
	files := map[string]file{}
	for {
		head := make([]byte, 110)
		if _, err := io.ReadFull(archive, head); err != nil {
			return nil, err
		}
		field := func(i int) int64 {
			n, _ := strconv.ParseInt(string(head[6+8*i:14+8*i]), 16, 64)
			return n
		}
		// The name and the content are padded to four bytes.
		name := make([]byte, (110+field(11)+3)/4*4-110)
		if _, err := io.ReadFull(archive, name); err != nil {
			return nil, err
		}
		path := strings.TrimLeft(string(name[:field(11)-1]), "./")
		if path == "TRAILER!!!" {
			return files, nil
		}
		content := make([]byte, (field(6)+3)/4*4)
		if _, err := io.ReadFull(archive, content); err != nil {
			return nil, err
		}
		files[path] = file{path, content[:field(6)], field(1)}
	}
}
