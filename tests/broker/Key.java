import java.io.File;
import java.security.KeyStore;
import java.util.Base64;

/** Prints the private key of a store in PEM: `STORE NAME PASSWORD`. */
public class Key {
    public static void main(String[] arguments) throws Exception {
        char[] password = arguments[2].toCharArray();
        KeyStore store = KeyStore.getInstance(new File(arguments[0]), password);
        byte[] key = store.getKey(arguments[1], password).getEncoded();
        System.out.println("-----BEGIN PRIVATE KEY-----");
        System.out.println(Base64.getMimeEncoder(64, "\n".getBytes()).encodeToString(key));
        System.out.println("-----END PRIVATE KEY-----");
    }
}
