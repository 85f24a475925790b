package pba

import (
	"context"
	"errors"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"pba.internal/clients/go/pbav1"
)

var errEnough = errors.New("enough")

func init() {
	encoding.RegisterCodec(codec{}) // of the server here
}

// service answers as the tests say.
type service struct {
	pbav1.UnimplementedPredictorServer
	pbav1.UnimplementedOperationsServer

	calls    int32
	forecast func(ctx context.Context, call int32) error
	watch    func(request *pbav1.WatchRequest, stream pbav1.Predictor_WatchServer, call int32) error
	change   func(ctx context.Context, call int32) error
}

func (own *service) LinkForecast(ctx context.Context, _ *pbav1.LinkForecastRequest) (*pbav1.LinkForecastResponse, error) {
	return &pbav1.LinkForecastResponse{}, own.forecast(ctx, atomic.AddInt32(&own.calls, 1))
}

func (own *service) Watch(request *pbav1.WatchRequest, stream pbav1.Predictor_WatchServer) error {
	return own.watch(request, stream, atomic.AddInt32(&own.calls, 1))
}

func (own *service) DeleteLink(ctx context.Context, _ *pbav1.DeleteLinkRequest) (*pbav1.DeleteLinkResponse, error) {
	return &pbav1.DeleteLinkResponse{}, own.change(ctx, atomic.AddInt32(&own.calls, 1))
}

// dial returns a client of own, whose first address nobody answers at.
func dial(t *testing.T, own *service, config Config) *Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pbav1.RegisterPredictorServer(server, own)
	pbav1.RegisterOperationsServer(server, own)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	config.Addresses = []string{"127.0.0.1:1", listener.Addr().String()}
	client, err := Dial(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func refuse(ctx context.Context, code codes.Code, pairs ...string) error {
	grpc.SetTrailer(ctx, metadata.Pairs(pairs...))
	return status.Error(code, "mbps is -1; it is 0 or more")
}

func ask(client *Client) error {
	_, err := client.Predictor.LinkForecast(context.Background(), &pbav1.LinkForecastRequest{LinkId: "a"})
	return err
}

func TestABusyServiceIsCalledAgainWhenItSays(t *testing.T) {
	own := &service{forecast: func(ctx context.Context, call int32) error {
		if call < 3 {
			return refuse(ctx, codes.ResourceExhausted, "pba-error-code", "busy", "grpc-retry-pushback-ms", "20")
		}
		return nil
	}}
	started := time.Now()
	if err := ask(dial(t, own, Config{})); err != nil || own.calls != 3 {
		t.Fatalf("%d calls: %v", own.calls, err)
	}
	if time.Since(started) < 40*time.Millisecond {
		t.Fatal("it did not wait")
	}
}

func TestWhatIsWrongIsNotSentAgainAndSaysWhatIsWrong(t *testing.T) {
	own := &service{forecast: func(ctx context.Context, _ int32) error {
		return refuse(ctx, codes.InvalidArgument, "pba-error-code", "invalid_sample", "pba-error-field", "samples[0]")
	}}
	err := ask(dial(t, own, Config{}))
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "invalid_sample" || refused.Field != "samples[0]" || own.calls != 1 {
		t.Fatalf("%d calls: %v", own.calls, err)
	}
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), "mbps is -1") {
		t.Fatal(err)
	}
}

func TestWhatIsTooLargeIsNotSentAgain(t *testing.T) {
	own := &service{forecast: func(ctx context.Context, _ int32) error { return refuse(ctx, codes.ResourceExhausted) }}
	if err := ask(dial(t, own, Config{})); status.Code(err) != codes.ResourceExhausted || own.calls != 1 {
		t.Fatalf("%d calls: %v", own.calls, err)
	}
}

func TestAChangeThatMayHaveBeenMadeIsNotRepeated(t *testing.T) {
	for _, test := range []struct {
		trailer []string
		calls   int32
	}{{nil, 1}, {[]string{"pba-error-code", "store_unavailable"}, 2}} {
		own := &service{change: func(ctx context.Context, call int32) error {
			if call == 1 {
				return refuse(ctx, codes.Unavailable, test.trailer...)
			}
			return nil
		}}
		client := dial(t, own, Config{})
		client.Operations.DeleteLink(context.Background(), &pbav1.DeleteLinkRequest{LinkId: "a"})
		if own.calls != test.calls {
			t.Fatalf("%d calls with the trailer %v", own.calls, test.trailer)
		}
	}
}

func TestTheKeyIsSentAndNeverInTheClear(t *testing.T) {
	own := &service{forecast: func(ctx context.Context, _ int32) error {
		received, _ := metadata.FromIncomingContext(ctx)
		if !reflect.DeepEqual(received.Get("authorization"), []string{"Bearer k"}) {
			return status.Error(codes.Unauthenticated, "no key")
		}
		return nil
	}}
	if err := ask(dial(t, own, Config{Key: "k"})); err != nil {
		t.Fatal(err)
	}
	for address, fails := range map[string]bool{"10.0.0.1:9000": true, "localhost:9000": false, "[::1]:9000": false} {
		if _, err := Dial(Config{Addresses: []string{address}, Key: "k"}); (err != nil) != fails {
			t.Fatalf("%s: %v", address, err)
		}
	}
}

func TestAddressesAreChecked(t *testing.T) {
	for _, addresses := range [][]string{nil, {"10.0.0.1"}} {
		if _, err := Dial(Config{Addresses: addresses}); err == nil {
			t.Fatalf("%v was taken", addresses)
		}
	}
}

func TestAWatchGoesOnWhereItEnded(t *testing.T) {
	var tokens []string
	name := "a"
	own := &service{watch: func(request *pbav1.WatchRequest, stream pbav1.Predictor_WatchServer, call int32) error {
		tokens = append(tokens, request.GetResumeToken())
		stream.Send(&pbav1.WatchResponse{Forecasts: []*pbav1.Forecast{{LinkId: &name}}, ResumeToken: string(rune('0' + call))})
		return status.Error(codes.Unavailable, "a stream lasts 240 s")
	}}
	client, forecasts := dial(t, own, Config{}), 0
	err := client.Watch(context.Background(), &pbav1.WatchRequest{Prefixes: []string{"a"}}, func(*pbav1.Forecast) error {
		if forecasts++; forecasts == 3 {
			return errEnough
		}
		return nil
	})
	if err != errEnough || !reflect.DeepEqual(tokens, []string{"", "1", "2"}) {
		t.Fatalf("%v: %v", tokens, err)
	}
}

func TestAWatchThatIsRefusedEnds(t *testing.T) {
	own := &service{watch: func(_ *pbav1.WatchRequest, stream pbav1.Predictor_WatchServer, _ int32) error {
		stream.SetTrailer(metadata.Pairs("pba-error-code", "forbidden"))
		return status.Error(codes.PermissionDenied, "another role")
	}}
	err := dial(t, own, Config{}).Watch(context.Background(), &pbav1.WatchRequest{}, func(*pbav1.Forecast) error { return nil })
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "forbidden" || own.calls != 1 {
		t.Fatalf("%d calls: %v", own.calls, err)
	}
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	own := &service{watch: func(_ *pbav1.WatchRequest, stream pbav1.Predictor_WatchServer, _ int32) error {
		<-stream.Context().Done()
		return stream.Context().Err()
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	err := dial(t, own, Config{}).Watch(ctx, &pbav1.WatchRequest{}, func(*pbav1.Forecast) error { return nil })
	if err != context.DeadlineExceeded {
		t.Fatal(err)
	}
}
