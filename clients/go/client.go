// Package pba calls a PBA service over gRPC: how much bandwidth a link will have in the next
// moments, how sure that is, and how long a transfer takes.
//
// A Client holds one connection, is safe for concurrent use, and lasts as long as its program:
//
//	client, err := pba.Dial(pba.Config{Addresses: []string{"10.0.0.1:9000", "10.0.0.2:9000"}})
//	...
//	response, err := client.Predictor.LinkForecast(ctx, &pbav1.LinkForecastRequest{LinkId: "fra1:ams2"})
//
// What the calls mean is written in pbav1/pba.proto and in docs/grpc.md of the service.
package pba

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"pba.internal/clients/go/pbav1"
)

const (
	defaultTimeout = 30 * time.Second
	defaultRetries = 3
	maxMessage     = 128 << 20
)

// Config says where a service answers and how it is called.
type Config struct {
	// Addresses are host:port, at least one. Where one does not answer, the next is tried.
	Addresses []string
	// Key is the caller's, as `pba keys create` prints it; empty for a service without keys.
	Key string
	// TLS is nil for a service without it.
	TLS *tls.Config
	// KeyWithoutTLS allows a key to be sent without TLS to another machine, where anybody on the
	// way could read it. A service mesh that encrypts is a reason.
	KeyWithoutTLS bool
	// Timeout limits a call whose context has no deadline, all tries together; 0 means 30 s.
	Timeout time.Duration
	// Retries is how often a call is repeated at most; 0 means 3, a negative number none.
	Retries int
}

// Client calls one service.
type Client struct {
	// Predictor forecasts links and transfers, and takes samples.
	Predictor pbav1.PredictorClient
	// Operations reads links, events and reports, and changes flags and champions.
	Operations pbav1.OperationsClient

	connection *grpc.ClientConn
}

// Dial returns a client. It connects in the background: the first calls wait for that, up to their
// deadline.
func Dial(config Config) (*Client, error) {
	addresses, err := addressesOf(config)
	if err != nil {
		return nil, err
	}
	calls := retrierOf(config)
	resolver := manual.NewBuilderWithScheme("pba")
	resolver.InitialState(addresses)
	options := []grpc.DialOption{
		grpc.WithResolvers(resolver),
		grpc.WithUnaryInterceptor(calls.unary),
		grpc.WithStreamInterceptor(calls.stream),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: 3 * time.Second,
		}),
		// A machine that is gone confirms nothing: its connection ends after 3 s in use, after 13 s at rest.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 3 * time.Second}),
		grpc.WithDefaultCallOptions(
			grpc.WaitForReady(true), grpc.MaxCallRecvMsgSize(maxMessage), grpc.ForceCodec(codec{}),
		),
	}
	if config.TLS == nil {
		options = append(options, grpc.WithInsecure())
	} else {
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(config.TLS)))
	}
	connection, err := grpc.DialContext(context.Background(), "pba:///service", options...)
	if err != nil {
		return nil, fmt.Errorf("pba: %w", err)
	}
	return &Client{
		Predictor:  pbav1.NewPredictorClient(connection),
		Operations: pbav1.NewOperationsClient(connection),
		connection: connection,
	}, nil
}

// Close ends the connection, and the calls that are under way.
func (client *Client) Close() error {
	return client.connection.Close()
}

func addressesOf(config Config) (resolver.State, error) {
	if len(config.Addresses) == 0 {
		return resolver.State{}, errors.New("pba: Addresses is empty; name at least one host:port")
	}
	var state resolver.State
	for _, address := range config.Addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return resolver.State{}, fmt.Errorf("pba: %q in Addresses is no host:port: %w", address, err)
		}
		if config.Key != "" && config.TLS == nil && !config.KeyWithoutTLS && !isLoopback(host) {
			return resolver.State{}, fmt.Errorf("pba: the key would be sent to %s without TLS, for anybody on the way to read; set TLS", address)
		}
		state.Addresses = append(state.Addresses, resolver.Address{Addr: address, ServerName: host})
	}
	return state, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func withKey(ctx context.Context, key string) context.Context {
	if key == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
}
