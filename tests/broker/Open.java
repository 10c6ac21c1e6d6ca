import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.TopicPartition;

/** Prints which transactions are open in the partitions of topics, and what their coordinators say of all: `ADDRESS TOPIC…`. */
public class Open {
    public static void main(String[] arguments) throws Exception {
        List<String> topics = List.of(arguments).subList(1, arguments.length);
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", arguments[0]))) {
            List<TopicPartition> partitions = new ArrayList<>();
            admin.describeTopics(topics).allTopicNames().get().forEach((topic, description) ->
                description.partitions().forEach(it -> partitions.add(new TopicPartition(topic, it.partition()))));
            long now = System.currentTimeMillis();
            admin.describeProducers(partitions).all().get().forEach((partition, state) ->
                state.activeProducers().forEach(it -> {
                    if (it.currentTransactionStartOffset().isPresent()) {
                        System.out.printf("%s: open from offset %d, producer %d epoch %d, written to %d ms ago%n",
                            partition, it.currentTransactionStartOffset().getAsLong(), it.producerId(),
                            it.producerEpoch(), now - it.lastTimestamp());
                    }
                }));
            admin.listTransactions().all().get().forEach(it ->
                System.out.printf("%s: producer %d, %s%n", it.transactionalId(), it.producerId(), it.state()));
        }
    }
}
