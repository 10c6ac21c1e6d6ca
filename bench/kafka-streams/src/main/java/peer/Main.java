package peer;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Ticket escalation on Kafka Streams, exactly_once_v2: the rival that the service is measured against. */
public final class Main {
    static final String CREATED = "ticket-created";
    static final String UPDATED = "ticket-updated";
    static final String ESCALATED = "escalated";
    static final String NOTIFY = "notify";
    static final String STORE = "tickets";

    public static void main(String[] args) throws Exception {
        Map<String, String> a = new HashMap<>();
        Properties p = new Properties();
        defaults(p);
        for (int i = 0; i + 1 < args.length; i += 2) {
            if (args[i].equals("--set")) { // any Streams, consumer. or producer. property
                int eq = args[i + 1].indexOf('=');
                p.put(args[i + 1].substring(0, eq), args[i + 1].substring(eq + 1));
            } else {
                a.put(args[i], args[i + 1]);
            }
        }
        long cache = Long.parseLong(a.getOrDefault("--cache-bytes", "0"));
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, a.getOrDefault("--app-id", "streams-peer"));
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, a.getOrDefault("--brokers", "127.0.0.1:9092"));
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, a.getOrDefault("--threads", "2"));
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, a.getOrDefault("--commit-ms", "100"));
        p.put(StreamsConfig.STATE_DIR_CONFIG, a.getOrDefault("--state-dir", "state"));
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, Long.toString(cache));
        if (a.containsKey("--instance-id")) {
            p.put("main.consumer.group.instance.id", a.get("--instance-id"));
        }

        KafkaStreams streams = new KafkaStreams(topology(cache > 0), p);
        CountDownLatch done = new CountDownLatch(1);
        streams.setStateListener((now, before) -> {
            say("state " + before + " -> " + now);
            if (now == KafkaStreams.State.ERROR || now == KafkaStreams.State.NOT_RUNNING) {
                done.countDown();
            }
        });
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setGlobalStateRestoreListener(new RestoreLog());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(20))));
        streams.start();
        done.await();
    }

    /** What tuning was found to help. Each can be overridden by --set. */
    static void defaults(Properties p) {
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, "1");
        p.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, "10000");
        p.put("enable.metrics.push", "false");
        p.put("consumer.auto.offset.reset", "earliest");
        // -1: do not wait for the other topic; the engine bears updates that come before their ticket. With the default of 0,
        // 4.3.0 formats a log line per record while one of a task's two partitions is empty: a fifth of the throughput.
        p.put(StreamsConfig.MAX_TASK_IDLE_MS_CONFIG, "-1");
        p.put("consumer.max.partition.fetch.bytes", Integer.toString(4 << 20));
        p.put("consumer.receive.buffer.bytes", Integer.toString(1 << 20));
        p.put("producer.batch.size", Integer.toString(256 << 10));
        p.put("producer.send.buffer.bytes", Integer.toString(1 << 20));
        p.put("producer.buffer.memory", Integer.toString(64 << 20));
    }

    static Topology topology(boolean caching) {
        StoreBuilder<KeyValueStore<Bytes, byte[]>> store = Stores.keyValueStoreBuilder(
            Stores.inMemoryKeyValueStore(STORE), Serdes.Bytes(), Serdes.ByteArray());
        store = store.withLoggingEnabled(Map.of());
        store = caching ? store.withCachingEnabled() : store.withCachingDisabled();
        ByteArrayDeserializer de = new ByteArrayDeserializer();
        ByteArraySerializer ser = new ByteArraySerializer();
        Topology t = new Topology();
        t.addSource("created", de, de, CREATED);
        t.addSource("updated", de, de, UPDATED);
        t.addProcessor("engine", Engine::new, "created", "updated");
        t.addStateStore(store, "engine");
        t.addSink(ESCALATED, ESCALATED, ser, ser, "engine");
        t.addSink(NOTIFY, NOTIFY, ser, ser, "engine");
        return t;
    }

    static void say(String s) {
        System.err.println(System.currentTimeMillis() + " " + s);
    }

    static final class RestoreLog implements StateRestoreListener {
        private long first;
        private long total;
        private int open;

        @Override
        public synchronized void onRestoreStart(TopicPartition tp, String store, long from, long to) {
            if (first == 0) {
                first = System.currentTimeMillis();
            }
            open++;
        }

        @Override
        public void onBatchRestored(TopicPartition tp, String store, long end, long n) { }

        @Override
        public synchronized void onRestoreEnd(TopicPartition tp, String store, long n) {
            total += n;
            if (--open == 0) {
                say("restored " + total + " records, " + (System.currentTimeMillis() - first) + " ms since the first restore began");
            }
        }
    }
}
