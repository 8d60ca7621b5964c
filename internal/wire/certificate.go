package wire

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"time"
)

// SelfSigned makes a certificate for clients that want encryption: for this machine as listen names it ("host:port", or
// "" for localhost), valid for a week, kept nowhere. It is its own root (see RootPEM).
func SelfSigned(listen string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("a certificate for the proxy: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("a certificate for the proxy: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "onward proxy"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(7 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA:         true, BasicConstraintsValid: true,
	}
	template.DNSNames, template.IPAddresses = certifiedHosts(listen)
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("a certificate for the proxy: %w", err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"postgresql"},
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
	}, nil
}

// RootPEM is the root certificate of a configuration of SelfSigned, as clients read it (sslrootcert).
func RootPEM(c *tls.Config) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificates[0].Certificate[0]})
}

// certifiedHosts are the names and addresses by which clients reach a proxy. libpq before 15 compares addresses with
// names only, so the addresses are names, too.
func certifiedHosts(listen string) (names []string, addresses []net.IP) {
	names = []string{"localhost", "127.0.0.1"}
	addresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	host, _, err := net.SplitHostPort(listen)
	if err != nil || host == "localhost" || strings.HasPrefix(listen, "unix:") {
		return names, addresses
	}
	ip := net.ParseIP(host)
	switch {
	case host == "" || ip != nil && ip.IsUnspecified():
		if hostname, err := os.Hostname(); err == nil {
			names = append(names, hostname)
		}
		list, _ := net.InterfaceAddrs()
		for _, a := range list {
			if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() {
				addresses = append(addresses, n.IP)
			}
		}
	case ip == nil:
		names = append(names, host)
	case !ip.IsLoopback():
		addresses = append(addresses, ip)
	}
	for _, ip := range addresses[2:] {
		if ip.To4() != nil {
			names = append(names, ip.String())
		}
	}
	return names, addresses
}
