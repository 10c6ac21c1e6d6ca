import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.utils.SecurityUtils;

/** Lets users of a broker do what the arguments say: `USER TYPE NAME OPERATION,…`; a name may end in `*`. */
public class Grant {
    public static void main(String[] arguments) throws Exception {
        List<AclBinding> grants = new ArrayList<>();
        for (int index = 1; index < arguments.length; index++) {
            String[] words = arguments[index].split("\\s+");
            boolean isPrefix = words[2].endsWith("*");
            String name = isPrefix ? words[2].substring(0, words[2].length() - 1) : words[2];
            PatternType pattern = isPrefix ? PatternType.PREFIXED : PatternType.LITERAL;
            ResourceType type = SecurityUtils.resourceType(words[1]);
            for (String operation : words[3].split(",")) {
                grants.add(new AclBinding(
                    new ResourcePattern(type, name, pattern),
                    new AccessControlEntry("User:" + words[0], "*", SecurityUtils.operation(operation),
                        AclPermissionType.ALLOW)));
            }
        }
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", arguments[0]))) {
            admin.createAcls(grants).all().get();
        }
    }
}
